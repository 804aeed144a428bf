// Best-first search over one graph, as a machine that never touches a file:
//
//     while (!search.done()) {
//         for (PageId page : search.wanted()) ... fetch it, by any means, in any order ...
//         ... once per fetched page: search.absorb(page, bytes) ...
//     }
//
// It knows nothing of threads, rings or files: the same code runs under the io_uring scheduler,
// over pages in memory while an index is built, and under readers that shuffle and fail in tests.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "beam/graph_view.h"
#include "beam/neighbor_store.h"
#include "distance/distance.h"
#include "graph/frontier.h"
#include "graph/seen_set.h"
#include "layouts/page.h"
#include "quant/distance_table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace trackway::beam {

struct BeamParams {
    std::uint32_t k = 10;
    std::uint32_t search_list_size = 40;  // L, at least k
    std::uint32_t beam_width = 1;         // W
    std::uint32_t page_limit = 0;         // 0: none
    // Of the vertices of a page that arrives, this share is expanded at once: the nearest ones,
    // whether or not they made the list.
    float expand_share = 0;
    // A search stops when the best estimate left exceeds the k-th exact distance by this many times
    // the usual error of estimates; infinity: only when the list is exhausted.
    float stop_margin = std::numeric_limits<float>::infinity();
    // Of more than k: "k-th" above means this one, and so many are found().
    std::uint32_t stop_rank = 0;
    // False: only what the search asked for is scored, so that answers and the order of expansion
    // do not depend on which vertices share pages.
    bool page_mates = true;
};

// By what the error of estimates is measured at a distance: their standard deviation grows with the
// vector that codes approximate from, so it is in proportion to twice the root of a squared L2
// distance, and to the query's length for products.
inline double margin_unit(Metric metric, double distance, double query_length) noexcept {
    if (metric == Metric::kL2) return 2 * std::sqrt(std::max(distance, 0.0));
    return metric == Metric::kCosine ? 1 : query_length;
}

struct MarginWatch {
    std::span<const float> margins;  // ascending
    std::function<void(std::size_t)> reached;
};

// An edge that the graph does not have.
struct Bridge {
    std::uint32_t from = 0;  // places
    std::uint32_t to = 0;
    friend auto operator<=>(const Bridge&, const Bridge&) = default;
};

struct BeamCounts {
    std::uint32_t hops = 0;
    std::uint32_t pages = 0;              // wanted in all
    std::uint32_t expanded_resident = 0;  // expanded from memory, without a read
    std::uint32_t estimates = 0;
    std::uint32_t exact_distances = 0;
};

class BeamSearch {
public:
    // Before use() it can do nothing.
    BeamSearch() = default;
    // The view must outlive the search.
    explicit BeamSearch(const GraphView& graph);
    // The same for another graph, which the next start() is of.
    void use(const GraphView& graph);

    // query: dimension elements of the graph's type, which stay until done(). visits, if given,
    // gets the place of every vertex that the search chose to expand, in order, until done(); of
    // vertices expanded by resident edges only those whose pages it wants after all.
    // An error is one of hot records; see absorb().
    Status start(const std::byte* query, const BeamParams& params,
                 std::vector<std::uint32_t>* visits = nullptr);

    // Of the hops that are yet to be chosen; at least 1. BeamParams::beam_width is of the first.
    void set_beam_width(std::uint32_t width) noexcept { params_.beam_width = width; }

    // How far candidates are worth reading, by what searches of other graphs and this one know of
    // the same query: from the next hop on none beyond this distance is expanded that is farther
    // than the nearest vertex measured here. Until start().
    void set_bound(float distance) noexcept { bound_ = distance; }

    // Places, sorted, of vertices that searches from now on neither find nor pass through, as if
    // the graph did not have them: a row that asks for its like must not profit from being there.
    // Nor must it suffer: bridges, sorted, are edges that others would have instead of those to
    // them. The spans must stay until the next call.
    void exclude(std::span<const std::uint32_t> places,
                 std::span<const Bridge> bridges = {}) noexcept {
        excluded_ = places;
        bridges_ = bridges;
    }

    // What searches of the same query with smaller margins would find is passed on the way of one
    // without a margin: watch.reached(i) is called where a search with margins[i] would have ended,
    // before anything beyond is read; counts() and found() are then as that one would leave them.
    // Not with resident edges, whose expansion depends on the margin. Until the next call; null:
    // nobody is told.
    void watch_margins(const MarginWatch* watch) noexcept { watch_ = watch; }

    // The pages of this hop, without repeats; a page is wanted at most once per query.
    std::span<const PageId> wanted() const noexcept { return wanted_; }

    // The pages of a hop may arrive in any order: they are used together, in the order of wanted(),
    // when the last is here, so answers do not depend on the device. bytes must stay until then.
    // Any error ends the search: it must be started anew. Its message begins at the place in the
    // file ("offset 8192: page 1: ..."); the caller knows which file failed_page() is in.
    Status absorb(PageId page, std::span<const std::byte> bytes);

    // The page that the last error is about.
    PageId failed_page() const noexcept { return failed_page_; }

    bool done() const noexcept { return wanted_.empty(); }
    // At most k (or stop_rank), nearest first; Candidate::vertex is the dataset row, mark the
    // place, the distance is as the kernels compute it.
    std::span<const graph::Candidate> found() const noexcept { return found_.list(); }
    // The candidates that stand in the search list; Candidate::vertex is the place.
    std::span<const graph::Candidate> frontier() const noexcept { return frontier_.list(); }
    // Of those: known by its distance, not by an estimate.
    static bool is_measured(const graph::Candidate& candidate) noexcept {
        return candidate.mark == kExpanded || candidate.mark >= kResident;
    }
    const BeamCounts& counts() const noexcept { return counts_; }

private:
    // Candidate::mark of frontier_ and mates_.
    static constexpr std::uint32_t kWaiting = 0;   // known by its estimate only
    static constexpr std::uint32_t kExpanded = 1;  // or about to be, when its page arrives
    static constexpr std::uint32_t kUnscored =
        2;  // expanded by resident edges, known by its estimate
    static constexpr std::uint32_t kResident = 3;  // mark - kResident: its list in the store

    // A vertex whose page is used: for its distance, and for its edges unless they are known.
    struct Asked {
        LocalId vertex{};
        bool expand = true;
    };

    void find_entries();
    void enter_anyway(std::uint32_t place);
    bool enter_last_resort();
    Status finish_hop();
    Status open_pages();
    Status blame(PageId page, const std::string& what);
    template <class View>
    Status use_page(PageId page, const View& view, std::span<const Asked> asked);
    template <class View>
    void score(PageId page, const View& view, std::span<const Asked> asked);
    template <class View>
    void settle_mates(const View& view);
    bool take_for_expansion(graph::Candidate scored);
    template <class View>
    void keep_resident(const View& view, graph::Candidate scored);
    bool found_already(std::uint32_t row) const;
    bool is_excluded(std::uint32_t place) const noexcept {
        return !excluded_.empty() && std::binary_search(excluded_.begin(), excluded_.end(), place);
    }
    Status expand(std::uint32_t place, std::span<const std::uint32_t> neighbors);
    Status meet(std::uint32_t place, std::span<const std::uint32_t> neighbors);
    void enter_met();
    Status choose_beam();
    Status expand_candidates();
    void measure_candidates();
    bool want(graph::Candidate& candidate, bool expand);
    float margin_beyond(float kth, float margin) const noexcept;
    float farthest_worth_reading() const noexcept;
    void tell_margins(float estimate);
    bool is_beyond_bound(const graph::Candidate& candidate) const noexcept;
    bool is_worth_expanding(const graph::Candidate& candidate);
    graph::Candidate* nearest_unexpanded();
    graph::Candidate* nearest_unscored();
    std::uint32_t stop_rank() const noexcept { return std::max(params_.k, params_.stop_rank); }
    std::size_t position_in_frontier(std::uint32_t place) const;
    void insert(const graph::Candidate& candidate, graph::Frontier& list, std::size_t& next);
    void note_visit(std::uint32_t place) {
        if (visits_ != nullptr) visits_->push_back(place);
    }

    const GraphView* graph_ = nullptr;
    distance::DistanceFn exact_ = nullptr;
    BeamParams params_;
    const std::byte* query_ = nullptr;
    double query_length_ = 0;
    float bound_ = std::numeric_limits<float>::infinity();
    std::vector<std::uint32_t>* visits_ = nullptr;
    std::span<const std::uint32_t> excluded_;
    std::span<const Bridge> bridges_;
    const MarginWatch* watch_ = nullptr;
    std::size_t next_margin_ = 0;  // of watch_, that has not been reached
    quant::DistanceTable table_;
    graph::Frontier frontier_;  // met along edges: they take the L places of the search list
    graph::Frontier mates_;     // came along on pages: scored, they cost no read and no place
    graph::Frontier found_;
    graph::SeenSet seen_;
    NeighborStore store_;
    std::size_t next_ = 0;       // every candidate of frontier_ before it is expanded
    std::size_t next_mate_ = 0;  // the same of mates_
    BeamCounts counts_;

    PageId failed_page_{};
    std::vector<Asked> beam_;  // vertices whose pages are wanted
    std::vector<PageId> wanted_;
    std::vector<const std::byte*> arrived_;  // of wanted_, null until then
    std::size_t arrived_count_ = 0;

    graph::Frontier entries_;  // of the navigation graph: numbers of rows
    graph::SeenSet rows_seen_;
    std::vector<layouts::PageView> views_;
    std::vector<graph::Candidate> scored_;  // page-mates on the page in hand
    std::vector<float> query_floats_;
    std::vector<std::uint32_t> to_expand_;  // records of the page in hand
    std::vector<std::uint32_t> ids_;        // met and not yet estimated
    std::vector<std::uint32_t> rows_;
    std::vector<float> distances_;
    std::vector<std::uint32_t> neighbors_;
};

}  // namespace trackway::beam
