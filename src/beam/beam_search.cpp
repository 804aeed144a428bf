#include "beam/beam_search.h"

#include "base/assert.h"
#include "beam/page_error.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <cmath>

namespace trackway::beam {
namespace {

using base::join;
using graph::Candidate;

// Of the navigation graph: candidates kept while it is searched, and how many of them the search
// begins with (README, Decisions).
constexpr std::uint32_t kNavigationList = 8;
constexpr std::size_t kEntries = 4;
constexpr float kAny = std::numeric_limits<float>::infinity();

// A page that has been read, as HotPage shows one that is resident.
class ReadPage {
public:
    explicit ReadPage(const layouts::PageView& view) : view_(view) {}
    std::uint32_t count() const noexcept { return view_.slot_count(); }
    const std::byte* vectors() const noexcept { return view_.vectors(); }
    std::uint32_t slot(std::uint32_t i) const noexcept { return i; }
    VectorId row(std::uint32_t i) const noexcept { return view_.row(i); }
    std::uint32_t degree(std::uint32_t i) const noexcept { return view_.degree(i); }
    void neighbors(std::uint32_t i, std::uint32_t* out) const noexcept { view_.neighbors(i, out); }

private:
    const layouts::PageView& view_;
};

}  // namespace

BeamSearch::BeamSearch(const GraphView& graph) {
    use(graph);
}

void BeamSearch::use(const GraphView& graph) {
    graph_ = &graph;
    exact_ = distance::distance_function(graph.description.metric, graph.description.element_type);
    query_floats_.resize(graph.description.dimension);
    distances_.resize(std::max(graph.geometry().vertices_per_page, kMaxDegree));
    neighbors_.resize(graph.geometry().max_degree);
}

Status BeamSearch::start(const std::byte* query, const BeamParams& params,
                         std::vector<std::uint32_t>* visits) {
    TRACKWAY_ASSERT(params.beam_width > 0);
    TRACKWAY_ASSERT(params.k > 0 && params.search_list_size >= params.k);
    TRACKWAY_ASSERT(params.search_list_size >= params.stop_rank);
    TRACKWAY_ASSERT(params.expand_share >= 0 && params.expand_share <= 1);
    params_ = params;
    query_ = query;
    visits_ = visits;
    const layouts::GraphDescription& graph = graph_->description;
    distance::row_floats(query, graph.element_type, graph.metric, query_floats_);
    query_length_ = graph.metric == Metric::kInnerProduct
                        ? std::sqrt(distance::squared_norm(query_floats_))
                        : 1;
    table_.prepare(graph_->codec, graph.metric, query_floats_);
    frontier_.reset(params.search_list_size);
    mates_.reset(params.search_list_size);
    found_.reset(stop_rank());
    seen_.clear();
    store_.reset(2 * params.search_list_size + 1, graph.geometry.max_degree);
    next_ = 0;
    next_mate_ = 0;
    bound_ = kAny;
    next_margin_ = 0;
    counts_ = {};
    for (const std::uint32_t place : excluded_)
        seen_.insert(place);
    find_entries();
    ids_.clear();
    return choose_beam();
}

// Greedy search of the navigation graph by estimates; the nearest few enter the frontier.
void BeamSearch::find_entries() {
    const NavigationView& navigation = graph_->navigation;
    const auto enter = [&](float estimate, std::uint32_t place) {
        if (seen_.insert(place)) insert({estimate, place, kWaiting}, frontier_, next_);
    };
    if (navigation.empty()) {
        const auto entry = static_cast<std::uint32_t>(graph_->description.entry_point);
        return enter_anyway(entry);
    }
    entries_.reset(kNavigationList);
    rows_seen_.clear();
    const auto offer = [&](std::span<const std::uint32_t> rows) {
        rows_.clear();
        ids_.clear();
        for (const std::uint32_t row : rows) {
            if (!rows_seen_.insert(row)) continue;
            rows_.push_back(row);
            ids_.push_back(navigation.place(row));
            graph_->codes.prefetch(ids_.back());
        }
        table_.estimate(graph_->codes, ids_, distances_.data());
        counts_.estimates += static_cast<std::uint32_t>(ids_.size());
        std::size_t best = entries_.size();
        for (std::size_t i = 0; i < rows_.size(); ++i)
            best = std::min(best, entries_.insert({distances_[i], rows_[i], kWaiting}));
        return best;
    };
    const std::uint32_t first = 0;
    offer({&first, 1});
    for (std::size_t next = 0; next < entries_.size();) {
        Candidate& candidate = entries_[next++];
        if (candidate.mark == kExpanded) continue;
        candidate.mark = kExpanded;
        next = std::min(next, offer(navigation.neighbors(candidate.vertex)));
    }
    for (const Candidate& entry : entries_.list()) {
        if (frontier_.size() == kEntries) break;
        enter(entry.distance, navigation.place(entry.vertex));
    }
    const auto last = static_cast<std::uint32_t>(graph_->description.entry_point);
    if (frontier_.size() == 0) {
        enter_anyway(is_excluded(last) ? navigation.place(entries_[0].vertex) : last);
    }
}

// A search has to begin somewhere, even where that vertex is not offered as an answer.
void BeamSearch::enter_anyway(std::uint32_t place) {
    table_.estimate(graph_->codes, {&place, 1}, distances_.data());
    ++counts_.estimates;
    seen_.insert(place);
    insert({distances_[0], place, kWaiting}, frontier_, next_);
}

// Every vertex can be reached from the entry point, but perhaps not from where navigation has the
// search begin: with lists of one or two edges. Tells whether the entry point was new.
bool BeamSearch::enter_last_resort() {
    const auto entry = static_cast<std::uint32_t>(graph_->description.entry_point);
    if (found_.size() >= params_.k || !seen_.insert(entry)) return false;
    enter_anyway(entry);
    return true;
}

Status BeamSearch::absorb(PageId page, std::span<const std::byte> bytes) {
    const auto at = std::find(wanted_.begin(), wanted_.end(), page);
    TRACKWAY_ASSERT(at != wanted_.end());
    const auto position = static_cast<std::size_t>(at - wanted_.begin());
    TRACKWAY_ASSERT(arrived_[position] == nullptr);
    TRACKWAY_ASSERT(bytes.size() == graph_->geometry().page_size_bytes);
    arrived_[position] = bytes.data();
    if (++arrived_count_ < wanted_.size()) return {};
    return finish_hop();
}

Status BeamSearch::finish_hop() {
    ++counts_.hops;
    TRACKWAY_TRY(open_pages());
    for (std::size_t i = 0; i < wanted_.size(); ++i)
        TRACKWAY_TRY(use_page(wanted_[i], ReadPage(views_[i]), beam_));
    return choose_beam();
}

Status BeamSearch::blame(PageId page, const std::string& what) {
    failed_page_ = page;
    return page_error(graph_->geometry(), page, what);
}

Status BeamSearch::open_pages() {
    const layouts::PageGeometry& geometry = graph_->geometry();
    views_.clear();
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
        auto view =
            layouts::PageView::open(geometry, wanted_[i], {arrived_[i], geometry.page_size_bytes});
        if (!view) return blame(wanted_[i], view.error().message);
        views_.push_back(*view);
    }
    for (const auto& [vertex, expand] : beam_) {
        const PageId page = geometry.page_of(vertex);
        const auto at = std::find(wanted_.begin(), wanted_.end(), page) - wanted_.begin();
        const std::uint32_t slots = views_[static_cast<std::size_t>(at)].slot_count();
        if (geometry.slot_of(vertex) < slots) continue;
        return blame(page, join("slot ", geometry.slot_of(vertex), ": expected a vertex, found ",
                                slots, " slots"));
    }
    return {};
}

// What the search asked for is expanded, and the nearest page-mates; the others stay at hand. All
// that is expanded is looked up together, so that one wait for memory serves many codes.
template <class View>
Status BeamSearch::use_page(PageId page, const View& view, std::span<const Asked> asked) {
    score(page, view, asked);
    to_expand_.clear();
    for (const auto& [vertex, expand] : asked) {
        if (!expand || graph_->geometry().page_of(vertex) != page) continue;
        std::uint32_t record = 0;
        while (view.slot(record) != graph_->geometry().slot_of(vertex))
            ++record;
        to_expand_.push_back(record);
    }
    if (params_.page_mates) settle_mates(view);
    for (const std::uint32_t record : to_expand_) {
        view.neighbors(record, neighbors_.data());
        const LocalId place = graph_->geometry().place(page, view.slot(record));
        TRACKWAY_TRY(meet(static_cast<std::uint32_t>(place),
                          std::span(neighbors_).first(view.degree(record))));
    }
    enter_met();
    return {};
}

// The nearest share of the page-mates will be expanded, the others are kept.
template <class View>
void BeamSearch::settle_mates(const View& view) {
    const auto at_once = static_cast<std::size_t>(
        std::lround(params_.expand_share * static_cast<float>(view.count())));
    std::sort(scored_.begin(), scored_.end(), graph::nearer);
    for (std::size_t i = 0; i < scored_.size(); ++i) {
        if (i >= at_once) {
            keep_resident(view, scored_[i]);
        } else if (take_for_expansion(scored_[i])) {
            to_expand_.push_back(scored_[i].mark);
        }
    }
}

// All vertices of the page, or those that the search asked for. Leaves the others in scored_,
// marked with their number in the view.
template <class View>
void BeamSearch::score(PageId page, const View& view, std::span<const Asked> asked) {
    const layouts::GraphDescription& graph = graph_->description;
    const distance::Rows rows{view.vectors(), graph.geometry.vector_bytes, nullptr, view.count()};
    exact_(query_, rows, graph.dimension, distances_.data());
    counts_.exact_distances += view.count();
    scored_.clear();
    for (std::uint32_t i = 0; i < view.count(); ++i) {
        const LocalId place = graph.geometry.place(page, view.slot(i));
        const bool is_asked = std::any_of(asked.begin(), asked.end(),
                                          [&](const Asked& a) { return a.vertex == place; });
        if (!is_asked && !params_.page_mates) continue;
        const auto row = static_cast<std::uint32_t>(static_cast<std::uint64_t>(view.row(i)));
        const auto number = static_cast<std::uint32_t>(place);
        if (is_excluded(number)) continue;
        if (!found_already(row)) found_.insert({distances_[i], row, number});
        if (!is_asked) scored_.push_back({distances_[i], number, i});
    }
}

// A resident record may be met a second time on its page.
bool BeamSearch::found_already(std::uint32_t row) const {
    const auto list = found_.list();
    return graph_->hot != nullptr && std::any_of(list.begin(), list.end(), [&](const Candidate& c) {
               return c.vertex == row;
           });
}

// Tells whether it was not expanded before. It keeps its place in the frontier if it had one.
bool BeamSearch::take_for_expansion(Candidate scored) {
    if (seen_.insert(scored.vertex)) return true;
    const std::size_t at = position_in_frontier(scored.vertex);
    if (at == frontier_.size()) return true;
    const std::uint32_t mark = frontier_[at].mark;
    if (mark == kUnscored) frontier_[at].mark = kExpanded;
    if (mark == kUnscored || mark == kExpanded) return false;
    if (mark >= kResident) store_.give_back(mark - kResident);
    frontier_.erase(at);
    scored.mark = kExpanded;
    insert(scored, frontier_, next_);
    return true;
}

// A scored vertex stays expandable without another read: in the frontier if an edge had led to it,
// among the page-mates if it merely came along.
template <class View>
void BeamSearch::keep_resident(const View& view, Candidate scored) {
    const bool is_mate = seen_.insert(scored.vertex);
    if (is_mate) {
        if (!frontier_.admits(scored) || !mates_.admits(scored)) return;
    } else {
        const std::size_t at = position_in_frontier(scored.vertex);
        if (at == frontier_.size()) return;
        const std::uint32_t mark = frontier_[at].mark;
        if (mark == kUnscored) frontier_[at].mark = kExpanded;
        if (mark != kWaiting) return;
        frontier_.erase(at);
    }
    const std::uint32_t list = store_.take(view.degree(scored.mark));
    view.neighbors(scored.mark, store_.data(list));
    scored.mark = kResident + list;
    if (is_mate) {
        insert(scored, mates_, next_mate_);
    } else {
        insert(scored, frontier_, next_);
    }
}

// size() when it is not there.
std::size_t BeamSearch::position_in_frontier(std::uint32_t place) const {
    const auto list = frontier_.list();
    const auto at = std::find_if(list.begin(), list.end(),
                                 [&](const Candidate& c) { return c.vertex == place; });
    return static_cast<std::size_t>(at - list.begin());
}

void BeamSearch::insert(const Candidate& candidate, graph::Frontier& list, std::size_t& next) {
    Candidate dropped;
    next = std::min(next, list.insert(candidate, &dropped));
    if (dropped.mark >= kResident) store_.give_back(dropped.mark - kResident);
}

Status BeamSearch::expand(std::uint32_t place, std::span<const std::uint32_t> neighbors) {
    TRACKWAY_TRY(meet(place, neighbors));
    enter_met();
    return {};
}

// Collects the neighbours that are new in ids_ and asks for their codes.
Status BeamSearch::meet(std::uint32_t place, std::span<const std::uint32_t> neighbors) {
    const layouts::PageGeometry& geometry = graph_->geometry();
    const std::uint64_t places = geometry.place_count();
    for (const std::uint32_t neighbor : neighbors)
        seen_.prefetch(neighbor);
    for (const std::uint32_t neighbor : neighbors) {
        if (neighbor >= places) {
            const PageId page = geometry.page_of(LocalId{place});
            return blame(page,
                         join("page ", static_cast<std::uint32_t>(page), ": slot ",
                              geometry.slot_of(LocalId{place}), ": neighbour: expected less than ",
                              places, ", found ", neighbor));
        }
        if (!seen_.insert(neighbor)) continue;
        graph_->codes.prefetch(neighbor);
        ids_.push_back(neighbor);
    }
    if (bridges_.empty()) return {};
    auto at = std::lower_bound(bridges_.begin(), bridges_.end(), Bridge{place, 0});
    for (; at != bridges_.end() && at->from == place; ++at) {
        if (seen_.insert(at->to)) ids_.push_back(at->to);
    }
    return {};
}

// Estimates all that were met; those near enough enter the frontier.
void BeamSearch::enter_met() {
    if (distances_.size() < ids_.size()) distances_.resize(ids_.size());
    table_.estimate(graph_->codes, ids_, distances_.data());
    counts_.estimates += static_cast<std::uint32_t>(ids_.size());
    for (std::size_t i = 0; i < ids_.size(); ++i) {
        const Candidate candidate{distances_[i], ids_[i], kWaiting};
        if (frontier_.admits(candidate)) insert(candidate, frontier_, next_);
    }
    ids_.clear();
}

// The nearest candidate of both lists that is not expanded yet. A page-mate farther than all of a
// full frontier is not worth it.
Candidate* BeamSearch::nearest_unexpanded() {
    while (next_ < frontier_.size() &&
           (frontier_[next_].mark == kExpanded || frontier_[next_].mark == kUnscored))
        ++next_;
    while (next_mate_ < mates_.size() && mates_[next_mate_].mark == kExpanded)
        ++next_mate_;
    Candidate* nearest = next_ < frontier_.size() ? &frontier_[next_] : nullptr;
    if (next_mate_ == mates_.size()) return nearest;
    Candidate* mate = &mates_[next_mate_];
    if (nearest == nullptr) return frontier_.admits(*mate) ? mate : nullptr;
    return nearer(*mate, *nearest) ? mate : nearest;
}

Candidate* BeamSearch::nearest_unscored() {
    if (graph_->edges == nullptr) return nullptr;
    for (std::size_t i = 0; i < frontier_.size(); ++i) {
        if (frontier_[i].mark == kUnscored) return &frontier_[i];
    }
    return nullptr;
}

float BeamSearch::margin_beyond(float kth, float margin) const noexcept {
    const double unit = margin_unit(graph_->description.metric, double{kth}, query_length_);
    return static_cast<float>(double{kth} + double{margin} * double{graph_->estimate_error} * unit);
}

// The bound counts once this search has come as near as it gets: before, its candidates are far
// because it is still on its way.
bool BeamSearch::is_beyond_bound(const Candidate& candidate) const noexcept {
    return candidate.distance > bound_ && found_.size() > 0 &&
           candidate.distance > found_.list().front().distance;
}

// Once k vertices are measured, a candidate whose estimate is beyond this is not worth a read. It
// only falls.
float BeamSearch::farthest_worth_reading() const noexcept {
    if (std::isinf(params_.stop_margin) || !found_.full()) return kAny;
    return margin_beyond(found_.list().back().distance, params_.stop_margin);
}

// Of the margins that would not have this candidate read.
void BeamSearch::tell_margins(float estimate) {
    if (!found_.full()) return;
    const float kth = found_.list().back().distance;
    for (; next_margin_ < watch_->margins.size(); ++next_margin_) {
        if (estimate <= margin_beyond(kth, watch_->margins[next_margin_])) return;
        watch_->reached(next_margin_);
    }
}

// Before that the k-th estimate stands in for the k-th distance, as long as there is something to
// measure: expanding by resident edges costs no read, but not nothing.
bool BeamSearch::is_worth_expanding(const Candidate& candidate) {
    if (std::isinf(params_.stop_margin) || found_.full()) return true;
    if (frontier_.size() < stop_rank()) return true;
    const float kth = frontier_[stop_rank() - 1].distance;
    return candidate.distance <= margin_beyond(kth, params_.stop_margin) ||
           nearest_unscored() == nullptr;
}

Status BeamSearch::choose_beam() {
    beam_.clear();
    wanted_.clear();
    TRACKWAY_TRY(expand_candidates());
    measure_candidates();
    counts_.pages += static_cast<std::uint32_t>(wanted_.size());
    arrived_.assign(wanted_.size(), nullptr);
    arrived_count_ = 0;
    return {};
}

// Takes the nearest candidates in turn: one whose record or edges are at hand is expanded on the
// spot, another joins the beam, until the beam is full.
Status BeamSearch::expand_candidates() {
    while (beam_.size() < params_.beam_width) {
        Candidate* candidate = nearest_unexpanded();
        if (candidate == nullptr && beam_.empty() && enter_last_resort()) continue;
        if (candidate == nullptr) break;
        const std::uint32_t mark = candidate->mark;
        const std::uint32_t place = candidate->vertex;
        if (mark >= kResident) {
            candidate->mark = kExpanded;
            note_visit(place);
            const Status expanded = expand(place, store_.list(mark - kResident));
            store_.give_back(mark - kResident);
            TRACKWAY_TRY(expanded);
            continue;
        }
        if (candidate->distance > farthest_worth_reading() || is_beyond_bound(*candidate)) break;
        if (watch_ != nullptr) tell_margins(candidate->distance);
        const LocalId vertex{place};
        HotPage hot;
        if (graph_->hot != nullptr && graph_->hot->find(vertex, hot)) {
            candidate->mark = kExpanded;
            note_visit(place);
            ++counts_.expanded_resident;
            const Asked asked{vertex, true};
            TRACKWAY_TRY(use_page(graph_->geometry().page_of(vertex), hot, {&asked, 1}));
        } else if (graph_->edges != nullptr && graph_->edges->has(vertex)) {
            if (!is_worth_expanding(*candidate)) break;
            candidate->mark = kUnscored;
            ++counts_.expanded_resident;
            const std::uint32_t degree = graph_->edges->neighbors(vertex, neighbors_.data());
            TRACKWAY_TRY(expand(place, std::span(neighbors_).first(degree)));
        } else if (!want(*candidate, true)) {
            break;
        }
    }
    return {};
}

// Vertices that were expanded without being measured: their pages are read while their estimates
// are worth it.
void BeamSearch::measure_candidates() {
    while (beam_.size() < params_.beam_width) {
        Candidate* candidate = nearest_unscored();
        if (candidate == nullptr || candidate->distance > farthest_worth_reading()) return;
        if (!want(*candidate, false)) return;
    }
}

// False when the limit of pages forbids it.
bool BeamSearch::want(Candidate& candidate, bool expand) {
    const LocalId vertex{candidate.vertex};
    const PageId page = graph_->geometry().page_of(vertex);
    if (std::find(wanted_.begin(), wanted_.end(), page) == wanted_.end()) {
        if (params_.page_limit != 0 && counts_.pages + wanted_.size() >= params_.page_limit)
            return false;
        wanted_.push_back(page);
    }
    candidate.mark = kExpanded;
    note_visit(candidate.vertex);
    beam_.push_back({vertex, expand});
    return true;
}

}  // namespace trackway::beam
