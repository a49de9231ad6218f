// The one exception of native code: a stable code, a message for a person, details for a program.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rast {

using error_detail = std::variant<std::string, double>;

class rast_error : public std::runtime_error {
  public:
    using detail_list = std::vector<std::pair<std::string, error_detail>>;

    rast_error(std::string code, const std::string & message, detail_list details = {})
        : std::runtime_error(message), code_(std::move(code)), details_(std::move(details)) {}

    const std::string & code() const noexcept { return code_; }

    const detail_list & details() const noexcept { return details_; }

  private:
    std::string code_;
    detail_list details_;
};

}  // namespace rast
