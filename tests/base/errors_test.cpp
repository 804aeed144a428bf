#include "base/errors.h"

#include "support/expect.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace trackway::base {
namespace {

Result<std::unique_ptr<int>> boxed(int number) {
    if (number < 0) return fail(ErrorCode::kCancelled, "negative");
    return std::make_unique<int>(number);
}

Result<int> doubled(int number, const Status& before) {
    TRACKWAY_TRY(before);
    TRACKWAY_TRY_ASSIGN(box, boxed(number));
    return *box * 2;
}

TEST_SUITE("base") {
    TEST_CASE("join writes texts and numbers one after the other") {
        CHECK(join().empty());
        const std::string text = "text";
        CHECK(join(text, std::string_view(" view "), "literal") == "text view literal");
        CHECK(join("page ", 7, " of ", std::uint64_t{UINT64_MAX}, ", ", -3) ==
              "page 7 of 18446744073709551615, -3");
    }

    TEST_CASE("hex shows 16 digits") {
        CHECK(hex(0) == "0000000000000000");
        CHECK(hex(0x0123456789abcdefU) == "0123456789abcdef");
        CHECK(hex(UINT64_MAX) == "ffffffffffffffff");
    }

    TEST_CASE("fail_errno gives the code and the text of the number") {
        test::expect_error(Status(fail_errno(ENOENT, "a.bin")), ErrorCode::kNotFound,
                           {"a.bin: ", "No such file or directory"});
        test::expect_error(Status(fail_errno(ENOMEM, "a.bin")), ErrorCode::kOutOfMemory,
                           {"a.bin: ", "Cannot allocate memory"});
        test::expect_error(Status(fail_errno(EACCES, "a.bin")), ErrorCode::kIo,
                           {"a.bin: ", "Permission denied"});
        test::expect_error(Status(fail_errno(EIO, "")), ErrorCode::kIo, {"Input/output error"});
    }

    TEST_CASE("an error leaves the function that tried, a value goes on") {
        CHECK(test::expect_value(doubled(4, {})) == 8);
        test::expect_error(doubled(-1, {}), ErrorCode::kCancelled, {"negative"});
        test::expect_error(doubled(4, fail(ErrorCode::kUnsupported, "not here")),
                           ErrorCode::kUnsupported, {"not here"});
    }
}

}  // namespace
}  // namespace trackway::base
