// Tells the reasoning of a text from its answer, by the marks that its model puts around the reasoning.
//
// It sees every byte of every token, also of those that are not shown, and labels what is shown; what is certain comes
// out as far as the text itself has come out, so that a stop string ends both at one place. Marks, and the white space
// between them and the reasoning or the answer, are in neither. Engine thread only. Works in time linear in the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace rast {

// Text of a mark; control tokens of it are those tokens, and not the same letters.
struct text_mark {
    std::string bytes;
    std::vector<bool> control;  // of each byte
};

struct reasoning_marks {
    bool open = false;              // the prompt has begun the reasoning
    std::vector<text_mark> opens;   // before anything but white space
    std::vector<text_mark> closes;  // end the reasoning
    std::vector<text_mark> drops;   // in an answer, and no part of it
    bool reopens = false;           // an answer may be followed by reasoning
};

enum class text_part : uint8_t { before, reasoning, answer };

struct split_text {
    std::string reasoning;
    std::string answer;
};

class reasoning_splitter {
  public:
    explicit reasoning_splitter(reasoning_marks marks);

    // The bytes of a token.
    void push(std::string_view piece, bool control, bool shown);

    // Where the text is, as far as it is certain.
    text_part where() const { return part_; }

    // Here the text turns to its reasoning or its answer, whatever marks there were.
    void turn_to(text_part part);

    // What is new within the first so many bytes of what is shown. Valid UTF-8, if these bytes end with a character.
    split_text take(size_t shown);

    // The same when no more comes.
    split_text finish(size_t shown);

  private:
    struct byte {
        char c;
        bool control;
        bool shown;
    };
    enum class label : uint8_t { dropped, reasoning, answer };
    enum class match : uint8_t { none, begun, whole };

    void work(bool end);
    bool begin(bool end);
    bool drop_lead();
    bool look_for(const std::vector<const text_mark *> & marks, bool end, bool hold_space, const text_mark *& found);
    match match_at(size_t at, const text_mark & mark) const;
    bool is_space(size_t at) const;
    void give(size_t count, label what);
    std::vector<const text_mark *> ends_of_answer() const;

    reasoning_marks marks_;
    text_part part_;
    bool lead_;                  // white space is still to be dropped
    std::deque<byte> held_;      // not labelled yet
    size_t looked_ = 0;          // of them, where no mark begins
    size_t space_ = 0;           // white space at the end of those
    std::string shown_;          // labelled, and not taken
    std::vector<label> labels_;  // of each byte of it
    size_t taken_ = 0;           // bytes of what is shown
};

}  // namespace rast
