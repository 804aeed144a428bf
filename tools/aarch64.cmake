# Cross-compiles for AArch64 with Debian's packages and runs the tests under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu /usr)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
# Without -L: the loader of the cross compiler's C library hangs in the first thread of programs whose
# other libraries are those of Debian's arm64 packages; theirs is in /lib, where qemu looks by itself.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
