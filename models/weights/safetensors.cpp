#include "models/weights/safetensors.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/crc32.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "base/json_text.h"
#include "base/text.h"

namespace mr {
namespace {

constexpr uint64_t largest_header = 100'000'000;
constexpr const char* metadata_key = "__metadata__";
constexpr const char* checksum_key = "mrcnn.crc32";
constexpr size_t checksum_digits = 8;

struct Entry {
  NamedTensor tensor;
  uint64_t begin = 0, end = 0;
};

FileType type_named(std::string_view wanted, const JsonReader& r) {
  for (int t = 0; t <= static_cast<int>(FileType::f64); ++t)
    if (wanted == name(static_cast<FileType>(t))) return static_cast<FileType>(t);
  r.fail("expected a dtype among BOOL U8 I8 U16 I16 U32 I32 U64 I64 F16 BF16 F32 F64, got " + json_string(wanted));
}

int64_t size_or_offset(JsonReader& r) {
  const JsonNumber n = r.number();
  if (!n.is_integer || n.integer < 0) r.fail(str("expected a whole number from 0 to 2^63 - 1, got ", printable(n.text)));
  return n.integer;
}

Entry read_entry(JsonReader& r, const std::string& tensor_name) {
  Entry e;
  e.tensor.name = tensor_name;
  std::optional<FileType> type;
  bool has_shape = false;
  std::vector<int64_t> range;
  r.object([&](std::string_view key) {
    if (key == "dtype") {
      type = type_named(r.string(), r);
    } else if (key == "shape") {
      has_shape = true;
      r.array([&] { e.tensor.shape.push_back(size_or_offset(r)); });
    } else if (key == "data_offsets") {
      r.array([&] { range.push_back(size_or_offset(r)); });
    } else {
      r.fail("tensor " + json_string(tensor_name) + ": expected dtype, shape and data_offsets, got " + json_string(key));
    }
  });
  if (!type || !has_shape || range.size() != 2)
    r.fail("tensor " + json_string(tensor_name) + ": expected dtype, shape and two data_offsets");
  e.tensor.type = *type;
  e.begin = static_cast<uint64_t>(range[0]);
  e.end = static_cast<uint64_t>(range[1]);
  const auto bytes = checked_bytes(e.tensor.shape, *type);
  if (!bytes || e.end < e.begin || e.end - e.begin != *bytes)
    r.fail(str("tensor ", json_string(tensor_name), ": ", *type, " ", shape_text(e.tensor.shape), " is ",
               bytes ? std::to_string(*bytes) + " bytes" : "too large", ", but data_offsets are [", e.begin, ", ", e.end, "]"));
  return e;
}

// The values must fill the rest of the file: no hole, no overlap, no byte left over.
void check_contiguous(const std::string& where, const std::vector<Entry>& entries, uint64_t bytes) {
  uint64_t end = 0;
  for (const Entry& e : entries) {
    check(e.begin == end, where, ": tensor ", printable(e.tensor.name), ": expected to begin at ", end, ", got ", e.begin,
          e.begin < end ? " (overlap)" : " (hole)");
    check(e.end <= bytes, where, ": tensor ", printable(e.tensor.name), ": ends at ", e.end, ", but the file holds ", bytes,
          " bytes of values (is it cut short?)");
    end = e.end;
  }
  check(end == bytes, where, ": expected ", end, " bytes of values, got ", bytes);
}

// The checksums of the metadata, one a tensor; none where the file has none.
std::vector<uint32_t> take_checksums(WeightFile& file, const std::string& where) {
  std::vector<uint32_t> sums;
  const auto at = file.metadata.find(checksum_key);
  if (at == file.metadata.end()) return sums;
  const std::string& digits = at->second;
  const bool hex = digits.find_first_not_of("0123456789abcdef") == std::string::npos;
  check(hex && digits.size() == checksum_digits * file.tensors.size(), where, ": metadata mrcnn.crc32: expected ", checksum_digits,
        " hexadecimal digits for each of ", file.tensors.size(), " tensors, got ", digits.size(), " characters (was the file edited?)");
  for (size_t i = 0; i < digits.size(); i += checksum_digits)
    sums.push_back(static_cast<uint32_t>(std::stoul(digits.substr(i, checksum_digits), nullptr, 16)));
  file.metadata.erase(at);
  return sums;
}

std::string hex8(uint32_t v) {
  std::string out(checksum_digits, '0');
  for (size_t i = checksum_digits; i-- > 0; v >>= 4) out[i] = "0123456789abcdef"[v & 15];
  return out;
}

}  // namespace

WeightFile read_safetensors(const std::string& path) {
  const auto input = std::make_shared<InputFile>(path);
  const std::string where = "safetensors: " + path;
  check(input->size() >= 10, where, ": expected 8 bytes of header length and a header, got ", input->size(), " bytes");
  uint64_t header_bytes = 0;
  input->read(0, std::as_writable_bytes(std::span(&header_bytes, 1)));
  check(header_bytes <= largest_header, where, ": header length: expected at most ", largest_header, ", got ", header_bytes,
        " (not a safetensors file?)");
  check(header_bytes <= input->size() - 8, where, ": header length: ", header_bytes, " bytes, but only ", input->size() - 8,
        " follow (is the file cut short?)");
  const std::string header = input->read_text(8, header_bytes);
  check(header.starts_with('{'), where, ": header: expected '{' as its first byte");

  WeightFile file;
  file.path = path;
  std::vector<Entry> entries;
  JsonReader r(header, where + ": header");
  r.object([&](std::string_view key) {
    if (key == metadata_key)
      r.object([&](std::string_view k) { file.metadata[std::string(k)] = r.string(); });
    else
      entries.push_back(read_entry(r, std::string(key)));
  });
  r.end();
  std::ranges::stable_sort(entries, [](const Entry& a, const Entry& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  check_contiguous(where, entries, input->size() - 8 - header_bytes);

  for (Entry& e : entries) file.tensors.push_back(std::move(e.tensor));
  const std::vector<uint32_t> sums = take_checksums(file, where);
  for (size_t i = 0; i < entries.size(); ++i) {
    NamedTensor& t = file.tensors[i];
    const std::optional<uint32_t> sum = sums.empty() ? std::nullopt : std::optional(sums[i]);
    t.read = [input, where, tensor = t.name, at = 8 + header_bytes + entries[i].begin, sum](std::span<std::byte> out) {
      input->read(at, out);
      check(!sum || crc32(out) == *sum, where, ": tensor ", printable(tensor),
            ": the values do not match their checksum: the file is damaged, or was",
            " changed by a program that kept the metadata key mrcnn.crc32");
    };
  }
  return file;
}

void write_safetensors(const std::string& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<NamedTensor>& tensors) {
  std::vector<const NamedTensor*> order;
  std::set<std::string> names;
  for (const NamedTensor& t : tensors) {
    check(is_utf8(t.name) && t.name != metadata_key, "safetensors: ", path, ": not a name for a tensor: ", printable(t.name));
    check(names.insert(t.name).second, "safetensors: ", path, ": two tensors are named ", printable(t.name));
    order.push_back(&t);
  }
  std::ranges::stable_sort(order, std::ranges::greater{}, [](const NamedTensor* t) { return size_of(t->type); });

  // Two passes over the values: the checksums stand in the header, before them.
  std::string checksums;
  std::vector<std::byte> values;
  for (const NamedTensor* t : order) {
    values.resize(t->bytes());
    t->read(values);
    checksums += hex8(crc32(values));
  }
  std::string header = std::string("{") + json_string(metadata_key) + ":{";
  for (const auto& [key, text] : metadata) {
    check(is_utf8(key) && is_utf8(text), "safetensors: ", path, ": metadata ", printable(key), ": expected UTF-8");
    if (key != checksum_key) header += json_string(key) + ":" + json_string(text) + ",";
  }
  header += json_string(checksum_key) + ":\"" + checksums + "\"}";
  uint64_t at = 0;
  for (const NamedTensor* t : order) {
    header += str(",", json_string(t->name), ":{\"dtype\":\"", t->type, "\",\"shape\":[");
    for (size_t i = 0; i < t->shape.size(); ++i) header += (i ? "," : "") + std::to_string(t->shape[i]);
    header += str("],\"data_offsets\":[", at, ",", at + t->bytes(), "]}");
    at += t->bytes();
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  check(header.size() <= largest_header, "safetensors: ", path, ": the header would be ", header.size(), " bytes, more than ",
        largest_header);

  AtomicFile file(path);
  const uint64_t header_bytes = header.size();
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  for (const NamedTensor* t : order) {
    values.resize(t->bytes());
    t->read(values);
    file.write(values);
  }
  file.commit();
}

}  // namespace mr
