#include "formats.h"

namespace rast::schema {

namespace {

#define DAY_OF_MONTH \
    "(((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01]))|((0[469]|11)-(0[1-9]|[12]\\d|30))|(02-(0[1-9]|1\\d|2[0-8])))"
#define LEAP_YEAR "((\\d\\d(0[48]|[2468][048]|[13579][26]))|((0[48]|[2468][048]|[13579][26])00)|0000)"
#define DATE "((\\d{4}-" DAY_OF_MONTH ")|(" LEAP_YEAR "-02-29))"
#define OFFSET "(Z|[+\\-]([01]\\d|2[0-3]):[0-5]\\d)"
#define TIME "(([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?" OFFSET ")"
#define PERIOD_DATE "(\\d{1,4}Y(\\d{1,4}M(\\d{1,4}D)?)?|\\d{1,4}M(\\d{1,4}D)?|\\d{1,4}D)"
#define PERIOD_TIME "T(\\d{1,4}H(\\d{1,4}M(\\d{1,4}S)?)?|\\d{1,4}M(\\d{1,4}S)?|\\d{1,4}S)"
#define LABEL "[A-Za-z0-9]{1,20}(-[A-Za-z0-9]{1,20})?"
#define HOST LABEL "(\\." LABEL "){0,3}"
#define NAME "[A-Za-z0-9_+]{1,20}([.\\-][A-Za-z0-9_+]{1,20}){0,2}"
#define EMAIL NAME "@(" LABEL "\\.){1,3}[A-Za-z]{2,12}"
#define OCTET "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define WORD "[0-9a-fA-F]{1,4}"
#define IPV6 "((" WORD ":){7}" WORD "|(" WORD ":){1,6}:" WORD "|::(" WORD ":){0,5}" WORD ")"
#define URI_CHARACTER "([A-Za-z0-9._~!$&'()*+,;=:@\\-]|%[0-9a-fA-F]{2})"
#define URI_TAIL "([A-Za-z0-9._~!$&'()*+,;=:@/?\\-]|%[0-9a-fA-F]{2})*"
#define URI \
    "[A-Za-z][A-Za-z0-9+.\\-]{0,15}://" HOST "(:\\d{1,4})?(/" URI_CHARACTER "*)*(\\?" URI_TAIL ")?(#" URI_TAIL ")?"
#define UUID "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
#define BASE64 "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
#define POINTER "(/([^~/]|~[01])*)*"

constexpr struct {
    std::string_view name;
    format value;
} known[] = {
    {"date", {format_kind::text, "^" DATE "$"}},
    {"time", {format_kind::text, "^" TIME "$"}},
    {"date-time", {format_kind::text, "^" DATE "T" TIME "$"}},
    {"duration", {format_kind::text, "^P(\\d{1,4}W|" PERIOD_TIME "|" PERIOD_DATE "(" PERIOD_TIME ")?)$"}},
    {"email", {format_kind::text, "^" EMAIL "$"}},
    {"idn-email", {format_kind::text, "^" EMAIL "$"}},
    {"hostname", {format_kind::text, "^" HOST "$"}},
    {"idn-hostname", {format_kind::text, "^" HOST "$"}},
    {"ipv4", {format_kind::text, "^(" OCTET "\\.){3}" OCTET "$"}},
    {"ipv6", {format_kind::text, "^" IPV6 "$"}},
    {"uri", {format_kind::text, "^" URI "$"}},
    {"uri-reference", {format_kind::text, "^" URI "$"}},
    {"iri", {format_kind::text, "^" URI "$"}},
    {"iri-reference", {format_kind::text, "^" URI "$"}},
    {"uuid", {format_kind::text, "^" UUID "$"}},
    {"json-pointer", {format_kind::text, "^" POINTER "$"}},
    {"relative-json-pointer", {format_kind::text, "^(0|[1-9]\\d{0,4})(#|" POINTER ")$"}},
    {"byte", {format_kind::text, "^" BASE64 "$"}},
    {"binary", {format_kind::any_text, nullptr}},
    {"password", {format_kind::any_text, nullptr}},
    {"int32", {format_kind::int32, nullptr}},
    {"int64", {format_kind::int64, nullptr}},
    {"float", {format_kind::any_number, nullptr}},
    {"double", {format_kind::any_number, nullptr}},
};

}  // namespace

format format_named(std::string_view name) {
    for (const auto & one : known) {
        if (one.name == name) {
            return one.value;
        }
    }
    return {format_kind::unknown, nullptr};
}

}  // namespace rast::schema
