// XXH3-64 and XXH3-128 behind four names; checksum.cpp is the only user of xxHash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace trackway::base {

std::uint64_t checksum64(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;

// The same hash over bytes that arrive in pieces.
class Checksum {
public:
    explicit Checksum(std::uint64_t seed = 0);
    Checksum(const Checksum&) = delete;
    Checksum& operator=(const Checksum&) = delete;
    Checksum(Checksum&&) noexcept;
    Checksum& operator=(Checksum&&) noexcept;
    ~Checksum();

    void update(std::span<const std::byte> bytes) noexcept;
    std::uint64_t digest64() const noexcept;
    std::array<std::uint8_t, 16> digest128() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace trackway::base
