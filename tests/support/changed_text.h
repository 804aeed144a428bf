// Texts that must not be changed unseen.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <string>

namespace trackway::test {

// parse(text) has a value for the text as it is, and for none with a bit flipped or its end cut.
template <class Parse>
void expect_changes_found(const std::string& text, const Parse& parse) {
    REQUIRE(parse(text));
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        std::string changed = text;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        REQUIRE_FALSE(parse(changed));
    }
    for (std::size_t size = 0; size < text.size(); ++size)
        REQUIRE_FALSE(parse(text.substr(0, size)));
}

}  // namespace trackway::test
