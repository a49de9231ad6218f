// Rows in buckets whose right answer is known to the bit: part of `exact`.
#pragma once

namespace rast::test {

// What is in a bucket, where cuts fall, and what filters keep. Throws where anything differs.
void exact_buckets();

}  // namespace rast::test
