#include "tensor_comparison.h"

#include "gguf_file.h"
#include "model_facts.h"

#include <map>

namespace rast {

namespace {

constexpr size_t most_named = 5;

struct tensor_form {
    std::array<int64_t, 4> shape{};
    std::string type;
};

std::map<std::string, tensor_form> forms_of(const std::string & path) {
    std::map<std::string, tensor_form> out;
    for (const std::string & part : inspect_model(path).files) {
        const gguf_file file(part);
        for (int64_t i = 0; i < gguf_get_n_tensors(file.get()); ++i) {
            const int64_t * ne = gguf_get_tensor_ne(file.get(), i);
            out[gguf_get_tensor_name(file.get(), i)] = {{ne[0], ne[1], ne[2], ne[3]},
                                                        ggml_type_name(gguf_get_tensor_type(file.get(), i))};
        }
    }
    return out;
}

}  // namespace

tensor_comparison compare_tensors(const std::string & first, const std::string & second) {
    const auto a = forms_of(first);
    const auto b = forms_of(second);
    tensor_comparison out;
    std::vector<tensor_difference> missing;
    std::vector<tensor_difference> shapes;
    std::vector<tensor_difference> types;
    const auto name_it = [](std::vector<tensor_difference> & list, tensor_difference && one) {
        if (list.size() < most_named) {
            list.push_back(std::move(one));
        }
    };
    for (const auto & [name, form] : a) {
        const auto found = b.find(name);
        if (found == b.end()) {
            ++out.only_first;
            name_it(missing, {name, form.shape, {}, form.type, ""});
            continue;
        }
        ++out.common;
        const tensor_form & other = found->second;
        const bool other_shape = form.shape != other.shape;
        if (other_shape) {
            ++out.shapes;
        } else if (form.type != other.type) {
            ++out.types;
        } else {
            continue;
        }
        name_it(other_shape ? shapes : types, {name, form.shape, other.shape, form.type, other.type});
    }
    for (const auto & [name, form] : b) {
        if (!a.contains(name)) {
            ++out.only_second;
            name_it(missing, {name, {}, form.shape, "", form.type});
        }
    }
    for (auto * list : {&shapes, &missing, &types}) {
        for (auto & one : *list) {
            out.examples.push_back(std::move(one));
        }
    }
    return out;
}

}  // namespace rast
