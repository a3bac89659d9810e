#include "train/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <vector>

#include "base/crc32.h"
#include "base/files.h"
#include "base/folders.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "mrcnnCK\n", end_mark = "end mark";
constexpr uint32_t version = 1;
constexpr const char* extension = ".checkpoint";

// ---- writing ----

template <class T> std::span<const std::byte> bytes_of(const T& v) { return std::as_bytes(std::span(&v, 1)); }
std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::span<const std::byte> bytes_of(const Tensor& t) { return {t.raw(), t.bytes()}; }

using Parts = std::vector<std::span<const std::byte>>;

void write_section(AtomicFile& file, std::string_view name, const Parts& parts) {
  std::array<char, 16> title{};
  std::copy(name.begin(), name.end(), title.begin());
  uint64_t size = 0;
  for (const auto& part : parts) size += part.size();
  file.write(std::as_bytes(std::span(title)));
  file.write(bytes_of(size));
  uint32_t crc = crc32(bytes_of(size), crc32(std::as_bytes(std::span(title))));
  for (const auto& part : parts) {
    file.write(part);
    crc = crc32(part, crc);
  }
  file.write(bytes_of(crc));
}

// "conv1.weight f32 64 7 7 3": one line a parameter, then one empty line, then the values in that order.
std::string weights_index(const Parameters& parameters) {
  std::string index;
  for (const Parameter& p : parameters.all()) {
    append(index, str(p.name, " ", p.var.dtype()));
    for (const int64_t s : p.var.shape().sizes()) append(index, str(" ", s));
    index += "\n";
  }
  return index + "\n";
}

std::string file_name(int64_t iteration) {
  char name[64];
  std::snprintf(name, sizeof name, "iteration_%08lld%s", static_cast<long long>(iteration), extension);
  return name;
}

// Newest first.
std::vector<fs::path> checkpoints_in(const std::string& folder) {
  std::vector<fs::path> files;
  for (const std::string& name : names_in(folder))
    if (is_checkpoint_name(name)) files.push_back(fs::path(folder) / name);
  const auto key = [](const fs::path& p) { return std::pair(p.filename().string().size(), p.filename().string()); };
  std::sort(files.begin(), files.end(), [&](const fs::path& a, const fs::path& b) { return key(a) > key(b); });
  return files;
}

// Old files that cannot be found or removed do no harm.
void remove_older(const std::string& folder, size_t keep) {
  try {
    const auto files = checkpoints_in(folder);
    for (size_t i = keep; i < files.size(); ++i) fs::remove(files[i]);
  } catch (const FileError&) {
  } catch (const fs::filesystem_error&) {}
}

// ---- reading ----

struct Sections {
  uint64_t config_hash = 0;
  std::map<std::string, std::pair<uint64_t, uint64_t>> at;  // name → offset, bytes
};

template <class T> T read_one(const InputFile& file, uint64_t offset) {
  T v{};
  file.read(offset, std::as_writable_bytes(std::span(&v, 1)));
  return v;
}

uint32_t crc_of(const InputFile& file, uint64_t offset, uint64_t bytes) {
  std::vector<std::byte> buffer(std::min<uint64_t>(bytes, 1 << 20));
  uint32_t crc = 0;
  while (bytes > 0) {
    const std::span piece(buffer.data(), std::min<uint64_t>(bytes, buffer.size()));
    file.read(offset, piece);
    crc = crc32(piece, crc);
    offset += piece.size();
    bytes -= piece.size();
  }
  return crc;
}

// To wherever the tensor lives.
void read_tensor(const InputFile& file, uint64_t at, const Tensor& to) {
  const Tensor host = to.on_gpu() ? Tensor::empty(to.shape(), to.dtype(), Device{}) : to;
  file.read(at, {host.raw(), host.bytes()});
  if (to.on_gpu()) to.copy_(host);
}

// Checks the whole file before anything of it is used.
Sections verify(const InputFile& file) {
  const std::string& path = file.path();
  check(file.size() >= 24, path, ": not a checkpoint: ", file.size(), " bytes");
  check(file.read_text(0, 8) == magic, path, ": not a checkpoint: it does not begin with mrcnnCK");
  const auto its_version = read_one<uint32_t>(file, 8), count = read_one<uint32_t>(file, 12);
  check(its_version == version, path, ": written by ", its_version > version ? "a newer" : "an older", " program (version ", its_version,
        "; this one reads ", version, ")");
  Sections s;
  s.config_hash = read_one<uint64_t>(file, 16);
  uint64_t at = 24;
  for (uint32_t i = 0; i < count; ++i) {
    check(file.size() - at >= 28, path, ": cut short before section ", i + 1, " of ", count);
    std::string name = file.read_text(at, 16);
    name.resize(std::min(name.find('\0'), name.size()));
    const auto bytes = read_one<uint64_t>(file, at + 16);
    check(bytes <= file.size() - at - 28, path, ": section ", name, ": cut short: ", bytes, " bytes stated, ", file.size() - at - 28,
          " there");
    check(crc_of(file, at, 24 + bytes) == read_one<uint32_t>(file, at + 24 + bytes), path, ": section ", name, ": wrong checksum");
    check(s.at.emplace(name, std::pair(at + 24, bytes)).second, path, ": section ", name, ": twice");
    at += 28 + bytes;
  }
  check(file.size() - at == end_mark.size() && file.read_text(at, end_mark.size()) == end_mark, path, ": no end mark at byte ", at);
  for (const char* name : {"recipe", "state", "weights"}) check(s.at.count(name) == 1, path, ": section ", name, ": missing");
  check(s.at["state"].second == sizeof(TrainState), path, ": section state: ", s.at["state"].second, " bytes, expected ",
        sizeof(TrainState));
  return s;
}

// "momentum", or "mean, square, powers"
std::string names_of(const OptimiserState& optimiser) {
  std::string names;
  for (const auto& [name, values] : optimiser) append(names, str(names.empty() ? "" : ", ", name));
  return names;
}

void restore(const InputFile& file, const Sections& s, const Parameters& parameters, const OptimiserState& optimiser) {
  const auto [weights_at, weights_bytes] = s.at.at("weights");
  const std::string index = weights_index(parameters);
  uint64_t values = 0;
  for (const Parameter& p : parameters.all()) values += p.var.value().bytes();
  check(weights_bytes == index.size() + values && file.read_text(weights_at, index.size()) == index, file.path(),
        ": is of another model than this recipe's (its parameters have other names or shapes)");
  for (const auto& [name, tensor] : optimiser) {
    const auto section = s.at.find(name);
    check(section != s.at.end(), file.path(), ": holds no ", name, ", which this optimiser remembers (", names_of(optimiser),
          "): the run was begun with another optimiser.kind, and goes on with that one alone");
    check(section->second.second == tensor.bytes(), file.path(), ": section ", name, ": ", section->second.second, " bytes, expected ",
          tensor.bytes());
  }
  uint64_t at = weights_at + index.size();
  for (const Parameter& p : parameters.all()) {
    const Tensor& v = p.var.value();
    read_tensor(file, at, v);
    at += v.bytes();
  }
  for (const auto& [name, tensor] : optimiser) read_tensor(file, s.at.at(name).first, tensor);
  parameters.changed();
}

}  // namespace

bool is_checkpoint_name(std::string_view file_name) { return !file_name.starts_with('.') && file_name.ends_with(extension); }

void save_checkpoint(const std::string& folder, const Checkpoint& c, const Parameters& parameters, const OptimiserState& optimiser,
                     int64_t keep) {
  const std::string index = weights_index(parameters);
  Parts weights = {bytes_of(std::string_view(index))};
  std::vector<Tensor> values;  // on the CPU, until they are written
  for (const Parameter& p : parameters.all()) values.push_back(p.var.value().to(Device{}));
  for (const Tensor& v : values) weights.push_back(bytes_of(v));
  std::vector<Tensor> remembered;
  for (const auto& [name, tensor] : optimiser) remembered.push_back(tensor.to(Device{}));
  AtomicFile file(str(folder, "/", file_name(c.state.iteration)));
  file.write(magic);
  file.write(bytes_of(version));
  file.write(bytes_of(static_cast<uint32_t>(3 + optimiser.size())));
  file.write(bytes_of(c.config_hash));
  write_section(file, "recipe", {bytes_of(std::string_view(c.recipe))});
  write_section(file, "state", {bytes_of(c.state)});
  write_section(file, "weights", weights);
  for (size_t i = 0; i < optimiser.size(); ++i) write_section(file, optimiser[i].first, {bytes_of(remembered[i])});
  file.write(end_mark);
  file.commit();
  remove_older(folder, static_cast<size_t>(std::max<int64_t>(keep, 1)));
}

std::optional<Checkpoint> load_checkpoint(const std::string& folder, const Parameters& parameters, const OptimiserState& optimiser,
                                          const std::function<void(const std::string&)>& warn,
                                          const std::function<void(const Checkpoint&)>& found) {
  const auto files = checkpoints_in(folder);
  if (files.empty()) return std::nullopt;
  std::string reason;  // of the newest
  for (const fs::path& path : files) {
    std::optional<InputFile> file;
    Sections s;
    const auto pass_over = [&](const char* kind, const Error& e) {
      warn(str("passing over ", kind, e.what()));
      if (reason.empty()) reason = e.what();
    };
    try {
      file.emplace(path.string());
      s = verify(*file);
    } catch (const FileError& e) {
      pass_over("a checkpoint that cannot be read: ", e);
      continue;
    } catch (const Error& e) {
      pass_over("a damaged checkpoint: ", e);
      continue;
    }
    Checkpoint c;
    c.config_hash = s.config_hash;
    c.recipe = file->read_text(s.at["recipe"].first, s.at["recipe"].second);
    c.state = read_one<TrainState>(*file, s.at["state"].first);
    if (found) found(c);
    restore(*file, s, parameters, optimiser);
    return c;
  }
  fail(folder, ": none of the ", files.size(), " checkpoints can be used: ", reason);
}

}  // namespace mr
