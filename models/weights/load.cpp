#include "models/weights/load.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "models/weights/load_report.h"
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

struct Match {
  const Parameter* parameter;
  NamedTensor tensor;
  bool by_rows = false;  // of classes: LoadOptions::class_rows tells which
};

// For each wrapper, how many of its tensors belong to a parameter. Where two tensors stand for one
// parameter, that of the wrapper with the most is read.
std::map<std::string, int64_t> count_wrappers(const std::vector<Candidate>& candidates,
                                              const std::unordered_map<std::string_view, const Candidate*>& of_parameter) {
  std::map<std::string, int64_t> count;
  for (const Candidate& c : candidates) count[c.wrapper] += of_parameter.contains(c.tensor.name);
  return count;
}

// Which tensor goes where. Fills the report but for `loaded`.
std::vector<Match> match_names(const Parameters& parameters, const WeightFile& file, const LoadOptions& options, LoadReport& report) {
  const NamedTensors named = name_tensors(file, options.renames, parameters, options.norm_epsilon);
  report.naming = named.naming;
  report.notes = file.notes;
  std::unordered_map<std::string_view, const Candidate*> of_parameter;
  for (const Parameter& p : parameters.all()) of_parameter[p.name] = nullptr;
  const std::map<std::string, int64_t> count = count_wrappers(named.candidates, of_parameter);
  const auto weight = [&count](const Candidate& c) {  // the greater wins
    return std::tuple(c.renamed, count.at(c.wrapper), -static_cast<int64_t>(c.wrapper.size()));
  };
  std::set<std::pair<std::string, std::string>> losers;  // wrappers: the one that is not read, the one that is
  for (const Candidate& c : named.candidates) {
    const auto at = of_parameter.find(c.tensor.name);
    if (c.tensor.name.empty()) {
      report.ignored.push_back(c.original);
    } else if (at == of_parameter.end()) {
      report.unused.push_back(c.original);
    } else if (!at->second) {
      at->second = &c;
    } else {
      const Candidate* before = at->second;
      check(before->wrapper != c.wrapper || before->renamed != c.renamed, "weights: ", file.path, ": both ", printable(before->original),
            " and ", printable(c.original), " stand for ", c.tensor.name);
      const Candidate* best = weight(c) > weight(*before) ? &c : before;
      const Candidate* other = best == before ? &c : before;
      at->second = best;
      report.unused.push_back(other->original);
      if (best->wrapper != other->wrapper) losers.emplace(other->wrapper, best->wrapper);
    }
  }
  for (const auto& [other, best] : losers)
    report.notes.push_back(str("names that begin with \"", other, "\" stand for the same parameters as those with \"", best,
                               "\", which are read; --rename ", other, "= reads the others"));
  std::vector<Match> matches;
  for (const Parameter& p : parameters.all()) {
    const Candidate* c = of_parameter[p.name];
    if (!c) {
      report.missing.push_back(p.name);
      continue;
    }
    const bool by_rows = is_class_row(p.name) && rows_can_be_matched(c->tensor.shape, file_shape(p), options.class_rows);
    if (!by_rows && c->tensor.shape != file_shape(p))
      report.mismatched.push_back({p.name, c->tensor.shape, file_shape(p)});
    else
      matches.push_back({&p, c->tensor, by_rows});
  }
  return matches;
}

// Why a file with none of the model's names is of no use, and what would help.
std::string why_none(const Parameters& parameters, const WeightFile& file, const LoadReport& report) {
  std::string why = str("found none; the file holds ", counted(file.tensors.size(), "tensor"), ": ", some_names(report.unused));
  if (const std::string help = suggest_rename(file.tensors, parameters); !help.empty()) why += "; " + help;
  for (const std::string& note : report.notes) why += "; " + note;
  return why;
}

// The number of rows of classes may differ where the caller allows it. Any other shape that differs
// means that the file is of another model.
void check_shapes(const WeightFile& file, const LoadReport& report, const LoadOptions& options) {
  const bool classes_alone = std::ranges::all_of(report.mismatched, [](const Mismatch& m) { return is_class_row(m.name); });
  check(report.mismatched.empty() || options.force || (options.skip_mismatch && classes_alone), "weights: ", file.path, ": ",
        counted(report.mismatched.size(), "tensor"), " of another shape than the model's", classes_alone ? options.advice : std::string(),
        ":\n", mismatch_table(report.mismatched));
}

// The values of a tensor as they lie in the file. Of a parameter that is taken by rows: the file's
// rows for the classes that it has, and the parameter's own rows for the others.
std::vector<float> values_of(const WeightFile& file, const Match& m, const ClassRows& rows) {
  check(is_float(m.tensor.type), "weights: ", file.path, ": ", printable(m.tensor.name), ": expected a floating type, got ", m.tensor.type);
  std::vector<float> values = read_floats(m.tensor);
  const auto bad = first_not_finite(values);
  check(!bad, "weights: ", file.path, ": ", printable(m.tensor.name), ": expected finite numbers, got ", bad ? values[*bad] : 0,
        " as value ", bad.value_or(0), " of ", shape_text(m.tensor.shape));
  return m.by_rows ? with_matched_rows(read_floats(to_file(*m.parameter)), values, rows) : values;
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

LoadReport match_weights(const Parameters& parameters, const WeightFile& file, const LoadOptions& options) {
  LoadReport report;
  for (const Match& m : match_names(parameters, file, options, report)) report.loaded.push_back(m.parameter->name);
  if (report.loaded.empty())
    if (const std::string help = suggest_rename(file.tensors, parameters); !help.empty()) report.notes.push_back(help);
  return report;
}

LoadReport load_weights(Parameters& parameters, const WeightFile& file, const LoadOptions& options) {
  LoadReport report;
  const std::vector<Match> matches = match_names(parameters, file, options, report);
  check_shapes(file, report, options);
  if (matches.empty()) fail("weights: ", file.path, ": expected tensors of this model, ", why_none(parameters, file, report));
  check(report.missing.empty() || options.allow_missing, "weights: ", file.path, ": expected ",
        counted(report.missing.size(), "more tensor"), ": ", some_names(report.missing));

  std::vector<Tensor> values;  // in our layouts; a file that fails halfway changes nothing
  for (const Match& m : matches) {
    const Blocks k = blocks_of(*m.parameter);
    const std::vector<float> in_file = values_of(file, m, options.class_rows);
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

void save_weights(const Parameters& parameters, const std::string& path, const std::map<std::string, std::string>& metadata) {
  std::vector<NamedTensor> tensors;
  for (const Parameter& p : parameters.all()) tensors.push_back(to_file(p));
  write_safetensors(path, metadata, tensors);
}

}  // namespace mr
