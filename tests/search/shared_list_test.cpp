#include "search/shared_list.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

namespace trackway::search {
namespace {

constexpr float kNone = std::numeric_limits<float>::infinity();
constexpr std::uint32_t kMeasured = 1;
using Candidates = std::vector<graph::Candidate>;

Candidates list_of(const std::vector<float>& distances, std::uint32_t mark = kMeasured) {
    Candidates list;
    for (const float distance : distances)
        list.push_back({distance, 0, mark});
    return list;
}

Candidates rows(const std::vector<std::uint32_t>& rows) {
    Candidates found;
    for (const std::uint32_t row : rows)
        found.push_back({0, row, 0});
    return found;
}

TEST_SUITE("shared_list") {
    TEST_CASE("the lists of all probes bound one another, once they fill one") {
        SharedList list;
        list.reset(4, 1, 2);
        CHECK(list.bound() == kNone);
        list.note(0, list_of({5, 6, 7}), rows({1}));
        CHECK(list.bound() == kNone);
        list.note(1, list_of({1, 8}), rows({}));
        CHECK(list.bound() == 7);
        // Of a probe the last list counts.
        list.note(1, list_of({1, 2, 8}), rows({2}));
        CHECK(list.bound() == 6);
        list.note(0, list_of({}), rows({}));
        CHECK(list.bound() == kNone);
    }

    TEST_CASE("a probe that is over still counts, once, and leaves its number to another") {
        SharedList list;
        list.reset(3, 1, 2);
        list.note(0, list_of({4, 5, 6}), rows({1}));
        list.end(0, list_of({4, 5, 6}));
        CHECK(list.bound() == 6);
        list.note(0, list_of({1, 9}), rows({2}));
        CHECK(list.bound() == 5);
        list.end(0, list_of({1, 9}));
        list.end(1, list_of({}));
        CHECK(list.bound() == 5);
        list.reset(1, 1, 2);
        CHECK(list.bound() == kNone);
    }

    TEST_CASE("what a probe that is over did not measure, and all of one that failed, gives way") {
        SharedList list;
        list.reset(2, 1, 2);
        list.note(1, list_of({8, 9}), rows({1}));
        list.note(0, list_of({4, 5}), rows({2}));
        CHECK(list.bound() == 5);
        list.end(0, list_of({4, 5}, 0));
        CHECK(list.bound() == 9);
        list.note(0, list_of({2, 3}), rows({3}));
        CHECK(list.bound() == 3);
        list.drop(0);
        CHECK(list.bound() == 9);
    }

    TEST_CASE("there is no bound before k vectors are found, of which replicas count once") {
        SharedList list;
        list.reset(2, 3, 2);
        list.note(0, list_of({4, 5}), rows({1, 2}));
        CHECK(list.bound() == kNone);
        list.note(1, list_of({6, 7}), rows({2, 1}));
        CHECK(list.bound() == kNone);
        list.note(1, list_of({6, 7}), rows({2, 1, 3}));
        CHECK(list.bound() == 5);
        list.drop(1);
        CHECK(list.bound() == kNone);
    }
}

}  // namespace
}  // namespace trackway::search
