// A process group (tensor/process_group.h) whose members are threads of this process.
//
//   const std::vector<std::string> errors = run_members(2, [](ProcessGroup& group) { … });      "": it ended without one
//
// A member that ends, whether by an error or not, has left: the others' next sum is an error, as
// with processes.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tensor/process_group.h"

namespace mr::test {

class MeetingPlace {
 public:
  explicit MeetingPlace(int size) : given_(static_cast<size_t>(size)) {}
  int size() const { return static_cast<int>(given_.size()); }

  // Σ over the members, in the order of their ranks; new memory.
  Tensor sum(int rank, const Tensor& t) {
    std::unique_lock lock(mutex_);
    check(!left_, "process group: a member has left");
    given_[static_cast<size_t>(rank)] = t;
    const int64_t round = round_;
    if (++arrived_ == size()) {
      total_ = total();
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
    } else {
      changed_.wait(lock, [&] { return round_ != round || left_; });
      check(round_ != round, "process group: a member has left");
    }
    return total_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
    changed_.notify_all();
  }

 private:
  Tensor total() const {
    const Tensor sum = given_[0].clone();
    for (size_t r = 1; r < given_.size(); ++r) {
      const Tensor& t = given_[r];
      check(t.shape() == sum.shape() && t.dtype() == sum.dtype(), "process group: member 0 gave ", sum.dtype(), " ", sum.shape(),
            ", member ", r, " ", t.dtype(), " ", t.shape());
      switch (t.dtype()) {
        case DType::f64:
          add<double>(sum, t);
          break;
        case DType::f32:
          add<float>(sum, t);
          break;
        case DType::i64:
          add<int64_t>(sum, t);
          break;
        case DType::i32:
          add<int32_t>(sum, t);
          break;
        default:
          fail("process group: no sum of ", t.dtype());
      }
    }
    return sum;
  }
  template <class T> static void add(const Tensor& sum, const Tensor& t) {
    for (int64_t i = 0; i < t.numel(); ++i) sum.data<T>()[i] += t.data<T>()[i];
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Tensor> given_;
  Tensor total_;
  int arrived_ = 0;
  int64_t round_ = 0;
  bool left_ = false;
};

class ThreadMember : public ProcessGroup {
 public:
  ThreadMember(MeetingPlace& place, int rank) : place_(place), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return place_.size(); }
  void sum(const Tensor& t) override { t.copy_(place_.sum(rank_, t.to(Device{}).clone())); }
  bool all_agree(bool yes) override { return sum_of(*this, yes ? 1 : 0) == size(); }

 private:
  MeetingPlace& place_;
  int rank_;
};

inline std::vector<std::string> run_members(int size, const std::function<void(ProcessGroup&)>& body) {
  MeetingPlace place(size);
  std::vector<std::string> errors(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadMember member(place, rank);
      const InProcessGroup scope(member);
      context().threads = 1;
      try {
        body(member);
      } catch (const std::exception& e) {
        errors[static_cast<size_t>(rank)] = e.what();
      }
      place.leave();
    });
  for (std::thread& t : threads) t.join();
  return errors;
}

}  // namespace mr::test
