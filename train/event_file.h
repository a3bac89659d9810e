// TensorBoard's event files: `tensorboard --logdir DIR` shows what DIR/events.out.tfevents.SECONDS.mrcnn tell.
//
// A file is a row of records, little-endian:
//   u64 bytes · u32 masked CRC-32C of these eight · the bytes, a protobuf message Event · u32 masked CRC-32C of them
//   masked(c) = (c rotated right by 15 bits) + 0xa282ead8
// Event        1 wall_time double, seconds since 1970 · 2 step int64 · 3 file_version string · 5 summary Summary · 7 session_log SessionLog
// Summary      1 value Value, any number of them        Value   1 tag string · 2 simple_value float
// SessionLog   1 status enum, 1: START
//
// The first record has file_version "brain.Event:2", the second is a START at step 1, which makes a
// reader drop what it holds. A training that goes on opens a file of its own, with all records of
// the earlier ones up to the step from which it goes on, and takes those files away: what they hold
// of later steps is out of order once these are taken again. A reader that has them open goes on
// with the new one, since it takes files in the order of their names; one that finds both, as the
// training was killed in between, drops the earlier at the START.
//
// sources: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, tensorboard/compat/proto/summary.proto
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/files.h"

namespace mr {

using NamedScalar = std::pair<std::string, double>;  // written as float

class EventFile {
 public:
  // Begins a file whose name comes after those that the folder holds, with what our files there
  // tell of the steps up to `last_step`, and removes them. Files of others are left alone. Errors:
  // one cannot be read or written.
  EventFile(const std::string& folder, int64_t last_step);

  void append(const std::string& record) { out_.append(record); }  // whole or not at all; errors: it cannot be stored

  // The record of scalars that become known now.
  static std::string record(int64_t step, std::span<const NamedScalar> scalars);

 private:
  GrowingFile out_;
};

}  // namespace mr
