#include "models/weights/load.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "models/weights/json.h"
#include "models/weights/names.h"
#include "models/weights/safetensors.h"
#include "tensor/finite.h"

namespace mr {
namespace {

// Every layout is [A, B, S] in files and [A, S, B] here, S the window or map:
// conv [Cout | Cin | kH·kW], deconv [Cin | Cout | kH·kW], fc_of_map [N | C | H·W].
struct Blocks {
  int64_t a = 1, b = 1, s = 1;
};

Blocks blocks_of(const Parameter& p) {
  const Shape& shape = p.var.shape();
  switch (p.layout) {
    case FileLayout::same:
      return {1, shape.numel(), 1};
    case FileLayout::conv:
    case FileLayout::deconv:
      return {shape[0], shape[3], shape[1] * shape[2]};
    case FileLayout::fc_of_map: {
      const int64_t window = int64_t{p.map_h} * p.map_w;
      return {shape[0], window > 0 ? shape[1] / window : 0, window};
    }
  }
  return {};
}

// to[a, j, i] = from[a, i, j], i < rows, j < columns
void swap_last_axes(const float* from, float* to, int64_t a, int64_t rows, int64_t columns) {
  for (int64_t n = 0; n < a; ++n, from += rows * columns, to += rows * columns)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
}

std::string count(size_t n, const char* what) { return str(n, " ", what, n == 1 ? "" : "s"); }

std::string list(const std::vector<std::string>& names) {
  constexpr size_t most = 8;
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) out += (i ? ", " : "") + printable(names[i]);
  return names.size() > most ? str(out, " and ", names.size() - most, " more") : out;
}

struct Match {
  const Parameter* parameter;
  const NamedTensor* tensor;
};

// Which tensor goes where. Fills the report but for `loaded`.
std::vector<Match> match_names(const Parameters& parameters, const WeightFile& file, const LoadOptions& options, LoadReport& report) {
  std::unordered_map<std::string, Match> of_name;
  for (const Parameter& p : parameters.all()) of_name[p.name] = {&p, nullptr};
  const NameMap map = recognise_names(file, options.prefix);
  for (const NamedTensor& t : file.tensors) {
    const std::string name = map(t.name);
    const auto at = of_name.find(name);
    if (name.empty()) {
      report.ignored.push_back(t.name);
    } else if (at == of_name.end()) {
      report.unused.push_back(t.name);
    } else {
      const NamedTensor*& before = at->second.tensor;
      check(!before, "weights: ", file.path, ": both ", before ? printable(before->name) : "", " and ", printable(t.name), " stand for ",
            name);
      before = &t;
    }
  }
  std::vector<Match> matches;
  for (const Parameter& p : parameters.all()) {
    const Match& m = of_name[p.name];
    if (!m.tensor)
      report.missing.push_back(p.name);
    else if (m.tensor->shape != file_shape(p))
      report.mismatched.push_back({p.name, m.tensor->shape, file_shape(p)});
    else
      matches.push_back(m);
  }
  return matches;
}

}  // namespace

FileShape file_shape(const Parameter& p) {
  const auto sizes = p.var.shape().sizes();
  FileShape shape(sizes.begin(), sizes.end());
  if (p.layout == FileLayout::conv || p.layout == FileLayout::deconv) {
    check(shape.size() == 4, "weights: ", p.name, ": expected a convolution's four axes, got ", p.var.shape());
    std::rotate(shape.begin() + 1, shape.begin() + 3, shape.end());
  }
  return shape;
}

NamedTensor to_file(const Parameter& p) {
  NamedTensor t;
  t.name = p.name;
  t.type = FileType::f32;
  t.shape = file_shape(p);
  t.read = [p](std::span<std::byte> out) {
    const Blocks k = blocks_of(p);
    std::vector<float> values(out.size() / sizeof(float));
    swap_last_axes(p.var.value().to(Device{}).data<float>(), values.data(), k.a, k.s, k.b);
    if (!out.empty()) std::memcpy(out.data(), values.data(), out.size());
  };
  return t;
}

LoadReport load_weights(Parameters& parameters, const WeightFile& file, const LoadOptions& options) {
  LoadReport report;
  const std::vector<Match> matches = match_names(parameters, file, options, report);
  check(report.mismatched.empty() || options.skip_mismatch, "weights: ", file.path, ": ", count(report.mismatched.size(), "tensor"),
        " of another shape than the model's", options.advice, ":\n", mismatch_table(report.mismatched));
  check(!matches.empty(), "weights: ", file.path, ": expected tensors of this model, found none; the file holds ",
        count(file.tensors.size(), "tensor"), ": ", list(report.unused));
  check(report.missing.empty() || options.allow_missing, "weights: ", file.path, ": expected ", count(report.missing.size(), "more tensor"),
        ": ", list(report.missing));

  std::vector<Tensor> values;  // in our layouts; a file that fails halfway changes nothing
  for (const Match& m : matches) {
    check(is_float(m.tensor->type), "weights: ", file.path, ": ", printable(m.tensor->name), ": expected a floating type, got ",
          m.tensor->type);
    const Blocks k = blocks_of(*m.parameter);
    const std::vector<float> in_file = read_floats(*m.tensor);
    const auto bad = first_not_finite(in_file);
    check(!bad, "weights: ", file.path, ": ", printable(m.tensor->name), ": expected finite numbers, got ", bad ? in_file[*bad] : 0,
          " as value ", bad.value_or(0), " of ", shape_text(m.tensor->shape));
    values.push_back(Tensor::empty(m.parameter->var.shape()));
    swap_last_axes(in_file.data(), values.back().data<float>(), k.a, k.b, k.s);
  }
  for (size_t i = 0; i < matches.size(); ++i) {
    matches[i].parameter->var.value().copy_(values[i]);
    matches[i].parameter->var.touch();
    report.loaded.push_back(matches[i].parameter->name);
  }
  return report;
}

std::string mismatch_table(const std::vector<Mismatch>& mismatches) {
  const auto row = [](const std::string& name, const std::string& file, const std::string& model) {
    const auto pad = [](const std::string& s, size_t width) { return s + std::string(s.size() < width ? width - s.size() : 1, ' '); };
    return "  " + pad(name, 48) + pad(file, 20) + model;
  };
  std::string out = row("name", "in the file", "in the model");
  for (const Mismatch& m : mismatches) out += "\n" + row(m.name, shape_text(m.file), shape_text(m.model));
  return out;
}

std::string summary(const LoadReport& r) {
  std::string out = count(r.loaded.size(), "tensor") + " loaded";
  if (!r.missing.empty()) out += "\n" + count(r.missing.size(), "parameter") + " not in the file, initial values kept: " + list(r.missing);
  if (!r.mismatched.empty())
    out += "\n" + count(r.mismatched.size(), "tensor") + " of another shape, initial values kept:\n" + mismatch_table(r.mismatched);
  if (!r.unused.empty()) out += "\n" + count(r.unused.size(), "tensor") + " of the file not used: " + list(r.unused);
  return out;
}

void save_weights(const Parameters& parameters, const std::string& path, const std::map<std::string, std::string>& metadata) {
  std::vector<NamedTensor> tensors;
  for (const Parameter& p : parameters.all()) tensors.push_back(to_file(p));
  write_safetensors(path, metadata, tensors);
}

}  // namespace mr
