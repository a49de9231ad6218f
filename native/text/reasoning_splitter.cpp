#include "reasoning_splitter.h"

#include "text_stream.h"

#include <algorithm>

namespace rast {

reasoning_splitter::reasoning_splitter(reasoning_marks marks)
    : marks_(std::move(marks)), part_(marks_.open ? text_part::reasoning : text_part::before), lead_(marks_.open) {}

void reasoning_splitter::push(std::string_view piece, bool control, bool shown) {
    for (const char c : piece) {
        held_.push_back({c, control, shown});
    }
    work(false);
}

bool reasoning_splitter::is_space(size_t at) const {
    const char c = held_[at].c;
    return !held_[at].control && (c == ' ' || (c >= '\t' && c <= '\r'));
}

// Labels the first bytes of what is held.
void reasoning_splitter::give(size_t count, label what) {
    for (size_t i = 0; i < count; ++i) {
        if (held_.front().shown) {
            shown_ += held_.front().c;
            labels_.push_back(what);
        }
        held_.pop_front();
    }
}

reasoning_splitter::match reasoning_splitter::match_at(size_t at, const text_mark & mark) const {
    const size_t there = std::min(mark.bytes.size(), held_.size() - at);
    for (size_t i = 0; i < there; ++i) {
        if (held_[at + i].c != mark.bytes[i] || held_[at + i].control != mark.control[i]) {
            return match::none;
        }
    }
    return there == mark.bytes.size() ? match::whole : match::begun;
}

// Before anything: an opening mark, or an answer. @returns whether there is more to do
bool reasoning_splitter::begin(bool end) {
    while (looked_ < held_.size() && is_space(looked_)) {
        ++looked_;
    }
    bool begun = looked_ == held_.size();
    for (const text_mark & mark : marks_.opens) {
        const match found = begun ? match::none : match_at(looked_, mark);
        if (found == match::whole) {
            give(looked_ + mark.bytes.size(), label::dropped);
            part_ = text_part::reasoning;
            lead_ = true;
            looked_ = 0;
            return true;
        }
        begun = begun || (found == match::begun && looked_ < held_.size());
        if (found == match::begun) {
            break;
        }
    }
    if (begun && !end) {
        return false;
    }
    part_ = text_part::answer;
    lead_ = !marks_.drops.empty();  // there may be a mark in front of the answer
    looked_ = 0;
    return true;
}

// @returns whether something else is there
bool reasoning_splitter::drop_lead() {
    while (lead_ && !held_.empty() && is_space(0)) {
        give(1, label::dropped);
    }
    lead_ = lead_ && held_.empty();
    return !held_.empty();
}

// Labels what comes before the first of these marks; the mark itself is left. @returns false when none is there yet
bool reasoning_splitter::look_for(const std::vector<const text_mark *> & marks, bool end, bool hold_space,
                                  const text_mark *& found) {
    const label what = part_ == text_part::reasoning ? label::reasoning : label::answer;
    for (; looked_ < held_.size(); ++looked_) {
        bool begun = false;
        for (const text_mark * mark : marks) {
            const match here = match_at(looked_, *mark);
            if (here == match::whole) {
                give(looked_ - space_, what);
                give(space_, hold_space ? label::dropped : what);
                looked_ = space_ = 0;
                found = mark;
                return true;
            }
            begun = begun || here == match::begun;
        }
        if (begun && !end) {
            break;
        }
        space_ = hold_space && is_space(looked_) ? space_ + 1 : 0;
    }
    const size_t kept = end ? 0 : space_;
    give(looked_ - kept, what);
    looked_ = kept;
    space_ = kept;
    return false;
}

std::vector<const text_mark *> reasoning_splitter::ends_of_answer() const {
    std::vector<const text_mark *> marks;
    for (const text_mark & mark : marks_.drops) {
        marks.push_back(&mark);
    }
    for (size_t i = 0; marks_.reopens && i < marks_.opens.size(); ++i) {
        marks.push_back(&marks_.opens[i]);
    }
    return marks;
}

void reasoning_splitter::work(bool end) {
    if (part_ == text_part::before && !begin(end)) {
        return;
    }
    while (drop_lead()) {
        const text_mark * found = nullptr;
        if (part_ == text_part::reasoning) {
            std::vector<const text_mark *> closes;
            for (const text_mark & mark : marks_.closes) {
                closes.push_back(&mark);
            }
            if (!look_for(closes, end, true, found)) {
                return;
            }
            part_ = text_part::answer;
        } else {
            if (!look_for(ends_of_answer(), end, false, found)) {
                return;
            }
            const bool opens = std::any_of(marks_.opens.begin(), marks_.opens.end(),
                                           [&](const text_mark & mark) { return &mark == found; });
            part_ = opens ? text_part::reasoning : text_part::answer;
        }
        give(found->bytes.size(), label::dropped);
        lead_ = true;
    }
}

void reasoning_splitter::turn_to(text_part part) {
    if (part_ != part) {
        work(true);
        part_ = part;
        lead_ = true;
    }
}

split_text reasoning_splitter::take(size_t shown) {
    split_text out;
    const size_t count = std::min(shown_.size(), shown - std::min(shown, taken_));
    for (size_t i = 0; i < count; ++i) {
        if (labels_[i] != label::dropped) {
            (labels_[i] == label::reasoning ? out.reasoning : out.answer) += shown_[i];
        }
    }
    shown_.erase(0, count);
    labels_.erase(labels_.begin(), labels_.begin() + static_cast<ptrdiff_t>(count));
    taken_ += count;
    out.reasoning = valid_utf8(out.reasoning);
    out.answer = valid_utf8(out.answer);
    return out;
}

split_text reasoning_splitter::finish(size_t shown) {
    work(true);
    return take(shown);
}

}  // namespace rast
