#include "search/shared_list.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

namespace trackway::search {
namespace {

constexpr float kNone = std::numeric_limits<float>::infinity();

std::vector<graph::Candidate> list_of(const std::vector<float>& distances) {
    std::vector<graph::Candidate> list;
    for (const float distance : distances)
        list.push_back({distance, 0, 0});
    return list;
}

TEST_SUITE("shared_list") {
    TEST_CASE("the lists of all probes bound one another, once they fill one") {
        SharedList list;
        list.reset(4, 2);
        CHECK(list.bound() == kNone);
        list.note(0, list_of({5, 6, 7}));
        CHECK(list.bound() == kNone);
        list.note(1, list_of({1, 8}));
        CHECK(list.bound() == 7);
        // Of a probe the last list counts.
        list.note(1, list_of({1, 2, 8}));
        CHECK(list.bound() == 6);
        list.note(0, list_of({}));
        CHECK(list.bound() == kNone);
    }

    TEST_CASE("a probe that is over still counts, once, and leaves its number to another") {
        SharedList list;
        list.reset(3, 2);
        list.note(0, list_of({4, 5, 6}));
        list.end(0);
        CHECK(list.bound() == 6);
        list.note(0, list_of({1, 9}));
        CHECK(list.bound() == 5);
        list.end(0);
        list.end(1);
        CHECK(list.bound() == 5);
        list.reset(1, 2);
        CHECK(list.bound() == kNone);
    }
}

}  // namespace
}  // namespace trackway::search
