#include "base/assert.h"

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace trackway::base {
namespace {

// Runs body in a child; its wait status, and what it wrote to standard error.
template <class Body>
std::pair<int, std::string> run_in_child(const Body& body) {
    int ends[2] = {};
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    REQUIRE(child > 0);
    std::string text;
    char piece[256];
    for (ssize_t got = 0; (got = read(ends[0], piece, sizeof piece)) > 0;)
        text.append(piece, static_cast<std::size_t>(got));
    close(ends[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return {status, text};
}

TEST_SUITE("base") {
    TEST_CASE("a broken assertion stops the program and names itself") {
        const int two = 2;
        const auto [status, text] = run_in_child([&] { TRACKWAY_ASSERT(two + two == 5); });
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == SIGABRT);
        CHECK(text.find("assert_test.cpp:") != std::string::npos);
        CHECK(text.find("assertion failed: two + two == 5") != std::string::npos);
    }

    TEST_CASE("an assertion that holds goes on, evaluated once") {
        int evaluations = 0;
        TRACKWAY_ASSERT(++evaluations > 0);
        CHECK(evaluations == 1);
    }
}

}  // namespace
}  // namespace trackway::base
