// Builds an index of a file of vectors unless it is there, and prints what is nearest to each
// query.
#include <iostream>
#include <trackway/builder.h>
#include <trackway/index.h>
#include <trackway/vector_file.h>

static int fail(const trackway::Error& error) {
    std::cerr << "example: " << error.message << '\n';
    return 1;
}

int main(int argc, char** argv) {
    if (argc != 4) return fail({{}, "expected VECTORS QUERIES INDEX"});
    if (!std::filesystem::exists(argv[3])) {
        const auto built = trackway::build({.vectors = argv[1], .index_dir = argv[3]});
        if (!built) return fail(built.error());
    }
    const auto index = trackway::Index::open(argv[3]);
    if (!index) return fail(index.error());
    const auto queries = trackway::VectorFile::open(argv[2]);
    if (!queries) return fail(queries.error());

    std::vector<std::byte> rows(queries->row_count() * queries->row_bytes());
    if (const auto read = queries->read(0, rows); !read) return fail(read.error());
    std::vector<trackway::Neighbor> found(queries->row_count() * 10);
    const auto searched = index->search(
        {rows.data(), queries->element_type(), queries->row_count(), queries->dimension()},
        {.k = 10, .search_list_size = 64, .beam_width = 1}, found);
    if (!searched) return fail(searched.error());
    for (std::size_t i = 0; i < found.size(); ++i) {
        std::cout << static_cast<std::uint64_t>(found[i].id) << ' ' << found[i].distance
                  << (i % 10 == 9 ? '\n' : ' ');
    }
}
