#include "base/checksum.h"

#include "base/assert.h"

#include <xxhash.h>

#include <new>

namespace trackway::base {

std::uint64_t checksum64(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

struct Checksum::State {
    XXH3_state_t* xxh = XXH3_createState();

    State() {
        if (xxh == nullptr) throw std::bad_alloc();
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { XXH3_freeState(xxh); }
};

Checksum::Checksum(std::uint64_t seed) : state_(std::make_unique<State>()) {
    // The 128-bit reset prepares both digests: they share one state and one seed.
    XXH3_128bits_reset_withSeed(state_->xxh, seed);
}
Checksum::Checksum(Checksum&&) noexcept = default;
Checksum& Checksum::operator=(Checksum&&) noexcept = default;
Checksum::~Checksum() = default;

void Checksum::update(std::span<const std::byte> bytes) noexcept {
    XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

std::uint64_t Checksum::digest64() const noexcept {
    return XXH3_64bits_digest(state_->xxh);
}

std::array<std::uint8_t, 16> Checksum::digest128() const noexcept {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->xxh));
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = canonical.digest[i];
    return bytes;
}

}  // namespace trackway::base
