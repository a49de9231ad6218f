// Reasoning told from answers: token by token against the whole text, and against a search through it.
#include "../text/reasoning_splitter.h"
#include "harness.h"

#include <cstdio>
#include <random>

namespace rast::test {

namespace {

struct piece {
    std::string bytes;
    bool control;
};

text_mark plain(const std::string & text) {
    return {text, std::vector<bool>(text.size(), false)};
}

text_mark control(const std::string & text) {
    return {text, std::vector<bool>(text.size(), true)};
}

split_text split(const reasoning_marks & marks, const std::vector<piece> & pieces, std::mt19937 * lag) {
    reasoning_splitter with(marks);
    split_text out;
    size_t shown = 0;
    const auto add = [&](const split_text & part) {
        out.reasoning += part.reasoning;
        out.answer += part.answer;
    };
    for (const piece & one : pieces) {
        const size_t before = shown;
        with.push(one.bytes, one.control, !one.control);
        shown += one.control ? 0 : one.bytes.size();
        if (lag != nullptr && (*lag)() % 3 != 0) {
            add(with.take((*lag)() % 2 == 0 ? shown : before));
        }
    }
    add(with.finish(shown));
    return out;
}

std::string trimmed_left(std::string text) {
    return text.erase(0, std::min(text.find_first_not_of(" \n"), text.size()));
}

std::string trimmed_right(std::string text) {
    return text.erase(text.find_last_not_of(" \n") + 1);
}

// What a text with one pair of marks, all of it shown, comes to.
split_text expected(const std::string & text, bool open, const std::string & begin, const std::string & end) {
    std::string rest = text;
    if (!open) {
        const std::string lead = trimmed_left(text);
        if (lead.compare(0, begin.size(), begin) != 0) {
            return {"", text};
        }
        rest = lead.substr(begin.size());
    }
    const size_t at = rest.find(end);
    if (at == std::string::npos) {
        return {trimmed_left(rest), ""};
    }
    return {trimmed_right(trimmed_left(rest.substr(0, at))), trimmed_left(rest.substr(at + end.size()))};
}

void require_same(const split_text & made, const split_text & wanted, const std::string & of) {
    if (made.reasoning != wanted.reasoning || made.answer != wanted.answer) {
        fail("\"" + of + "\" gives \"" + made.reasoning + "\" and \"" + made.answer + "\" instead of \"" +
             wanted.reasoning + "\" and \"" + wanted.answer + "\"");
    }
}

}  // namespace

// --rounds N
int test_reasoning(const arguments & args) {
    std::mt19937 random(5);
    const auto rounds = static_cast<size_t>(args.number("rounds", 20000));
    size_t reasoned = 0;
    size_t answered = 0;
    static const std::vector<std::string> parts = {"<t>", "</t>", "<",  "/", "t",   ">", "</",
                                                   "t>",  " ",    "\n", "a", "b c", "ä"};
    for (size_t round = 0; round < rounds; ++round) {
        std::vector<piece> pieces;
        std::string text;
        for (size_t i = random() % 14; i > 0; --i) {
            pieces.push_back({parts[random() % parts.size()], false});
            text += pieces.back().bytes;
        }
        reasoning_marks marks;
        marks.open = random() % 2 == 0;
        marks.opens = {plain("<t>")};
        marks.closes = {plain("</t>")};
        const split_text wanted = expected(text, marks.open, "<t>", "</t>");
        require_same(split(marks, pieces, &random), wanted, text);
        require_same(split(marks, {{text, false}}, nullptr), wanted, text);
        reasoned += wanted.reasoning.empty() ? 0 : 1;
        answered += wanted.reasoning.empty() || wanted.answer.empty() ? 0 : 1;
    }

    // channels: marks of control tokens and text, answers that are followed by more reasoning
    reasoning_marks channels;
    channels.opens = {control("<c>")};
    channels.opens[0].bytes += "think";
    channels.opens[0].control.resize(channels.opens[0].bytes.size(), false);
    channels.closes = {control("<e>")};
    channels.drops = {control("<s>"), control("<e>")};
    channels.reopens = true;
    const std::vector<piece> talk = {{"<c>", true},    {"th", false},  {"ink", false}, {" one", false}, {"<e>", false},
                                     {" \n", false},   {"<e>", true},  {"<s>", true},  {" A", false},   {"<c>", true},
                                     {"think", false}, {"two", false}, {"<e>", true},  {"B <s>", false}};
    require_same(split(channels, talk, &random), {"one<e>two", "AB <s>"}, "channels");
    require_same(split(channels, {{"\n<c>", false}, {"think", false}}, nullptr), {"", "<c>think"}, "letters of a mark");

    // white space without end costs no more than its length
    reasoning_splitter spaces(channels);
    spaces.turn_to(text_part::reasoning);
    spaces.push("a", false, true);
    for (size_t i = 0; i < 300000; ++i) {
        spaces.push(" \n", false, true);
    }
    spaces.push("b", false, true);
    if (spaces.take(600002).reasoning.size() != 600002) {
        fail("white space within reasoning is lost");
    }
    std::printf("ok rounds %zu reasoned %zu answered %zu\n", rounds, reasoned, answered);
    return 0;
}

}  // namespace rast::test
