#include "bench/timings/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "base/json_text.h"
#include "bench/timings/synthetic.h"
#include "models/config.h"
#include "tensor/work.h"

namespace mr {
namespace {

bool is_number(const std::string& s) {
  return !s.empty() && std::ranges::all_of(s, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "backbone.body.layer1.0.conv1.weight" → "backbone.body.layer1.0.conv1", or "backbone.body.layer1".
std::string part_of(const std::string& parameter, bool every_layer) {
  std::string name = parameter.substr(0, parameter.rfind('.'));
  if (every_layer) return name;
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    if (begin > 0 && is_number(name.substr(begin, end - begin))) return name.substr(0, begin - 1);
    begin = end + 1;
  }
  return name;
}

bool is_constant(const Parameter& p) { return p.kind == ParameterKind::norm && !p.trainable; }

int64_t cells(const Shape& s) { return s.rank() == 4 ? s[1] * s[2] : 1; }

// 14×14×256 of [100,14,14,256]; 1024 of [1000,1024].
std::string one_of(const Shape& s) {
  std::string text;
  for (int i = 1; i < s.rank(); ++i) text += str(i > 1 ? "×" : "", s[i]);
  return text;
}

// The last map; of maps of several sizes with as many channels, as a pyramid has, the largest and the smallest.
std::string output(const std::vector<Shape>& out) {
  if (out.empty()) return "";
  const auto [least, most] = std::ranges::minmax_element(out, {}, cells);
  const bool pyramid = std::ranges::all_of(out, [&](const Shape& s) { return s[0] == 1 && s.rank() == 4 && s[-1] == out[0][-1]; });
  std::string text = one_of(pyramid ? *most : out.back());
  if (pyramid && cells(*least) < cells(*most)) text += str(" … ", one_of(*least));
  if (out.back()[0] > 1) text += str(", of ", out.back()[0], " RoIs");
  return text;
}

int columns(const std::string& text) {
  return static_cast<int>(std::ranges::count_if(text, [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

std::string counted(int64_t n) {
  std::string digits = std::to_string(n);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

}  // namespace

std::vector<ModelPart> model_parts(const Recipe& recipe, int64_t height, int64_t width, bool every_layer) {
  Recipe all = recipe;
  lower_score(all.model, 0);
  BenchModelOptions options;
  options.height = height;
  options.width = width;
  const TimedModel model(all, options);

  std::vector<ModelPart> parts;
  std::unordered_map<const void*, size_t> part_of_weights;
  for (const Parameter& p : model.system->parameters().all()) {
    if (is_constant(p)) continue;
    const std::string name = part_of(p.name, every_layer);
    auto part = std::ranges::find(parts, name, &ModelPart::name);
    if (part == parts.end()) part = parts.insert(parts.end(), {name, {}, 0, 0});
    part->parameters += p.var.shape().numel();
    part_of_weights[p.var.value().raw()] = static_cast<size_t>(part - parts.begin());
  }

  const NoGrad no_tape;
  const WorkLog log;
  (void)predict(*model.system, model.predicting);
  for (const WorkLog::Entry& e : log.entries()) {
    const auto part = part_of_weights.find(e.weights);
    check(part != part_of_weights.end(), "parts: a product of ", e.out, " is of no parameter");
    parts[part->second].out.push_back(e.out);
    parts[part->second].multiply_adds += e.multiply_adds;
  }
  return parts;
}

std::string to_json(const std::vector<ModelPart>& parts) {
  JsonWriter j;
  j.array();
  for (const ModelPart& p : parts) {
    j.line().object().field("part", p.name).key("outputs").array();
    for (const Shape& s : p.out) {
      j.array();
      for (int i = 0; i < s.rank(); ++i) j.value(s[i]);
      j.end();
    }
    j.end().field("parameters", p.parameters).field("multiply_adds", p.multiply_adds).end();
  }
  return j.end().take();
}

std::string to_text(const std::vector<ModelPart>& parts) {
  ModelPart all{"all", {}, 0, 0};
  int name_width = 4, output_width = 6;
  for (const ModelPart& p : parts) {
    all.parameters += p.parameters;
    all.multiply_adds += p.multiply_adds;
    name_width = std::max(name_width, columns(p.name));
    output_width = std::max(output_width, columns(output(p.out)));
  }
  std::string text;
  const auto line = [&](const std::string& name, const std::string& out, const std::string& parameters, const std::string& work) {
    text += fmt::format("{:<{}}  {:<{}}  {:>13}  {:>13}\n", name, name_width, out, output_width, parameters, work);
  };
  const auto millions = [](int64_t n) { return n == 0 ? std::string() : fmt::format("{:.1f} M", static_cast<double>(n) / 1e6); };
  line("part", "output", "parameters", "multiply-adds");
  for (const ModelPart& p : parts) line(p.name, output(p.out), counted(p.parameters), millions(p.multiply_adds));
  line("all", "", counted(all.parameters), millions(all.multiply_adds));
  return text;
}

}  // namespace mr
