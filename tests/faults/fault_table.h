// Counts of what was tried and what became of it, printed as a table.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace trackway::test {

class FaultTable {
public:
    FaultTable(std::string title, std::vector<std::string> columns)
        : title_(std::move(title)), columns_(std::move(columns)) {}

    // A number for each column.
    void add(std::string name, std::vector<std::uint64_t> counts) {
        rows_.push_back({std::move(name), std::move(counts)});
    }

    void print() const {
        std::printf("%-28s", title_.c_str());
        for (const std::string& column : columns_)
            std::printf(" %9s", column.c_str());
        std::printf("\n");
        for (const Row& row : rows_) {
            std::printf("%-28s", row.name.c_str());
            for (const std::uint64_t count : row.counts)
                std::printf(" %9llu", static_cast<unsigned long long>(count));
            std::printf("\n");
        }
    }

private:
    struct Row {
        std::string name;
        std::vector<std::uint64_t> counts;
    };
    std::string title_;
    std::vector<std::string> columns_;
    std::vector<Row> rows_;
};

}  // namespace trackway::test
