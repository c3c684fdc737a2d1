// Threads that live through an epoch and meet at barriers.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "api.h"
#include "panel.h"

namespace CORE_ISA {

inline void pause_briefly() {
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

constexpr int kSpins = 1000;  // tens of microseconds, a few times a barrier's usual wait

// Each call of wait returns when all `n` threads have called it. The waiting ones spin, since a step
// has a handful of barriers within a millisecond; who waits long lets other programs run.
class Barrier {
  public:
    explicit Barrier(int n) : n_(n) {}

    void wait() {
        const unsigned round = round_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            return;
        }
        for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
            if (spins < kSpins)
                pause_briefly();
            else
                std::this_thread::yield();
        }
    }

  private:
    const int n_;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<unsigned> round_{0};
};

// One thread's part in the work: who it is, where it waits, what its time went into, its scratch.
struct Worker {
    using Clock = std::chrono::steady_clock;

    int index, n_threads;
    Barrier& barrier;
    Floats& scratch;
    std::array<double, core::kPhases> seconds{};
    core::Phase phase = core::kGather;
    Clock::time_point since = Clock::now();

    void enter(core::Phase next) {
        const Clock::time_point now = Clock::now();
        seconds[phase] += std::chrono::duration<double>(now - since).count();
        phase = next;
        since = now;
    }
    void meet() {
        if (n_threads == 1) return;
        const core::Phase before = phase;
        enter(core::kWait);
        barrier.wait();
        enter(before);
    }
    Range part(int64_t n) const { return share(n, index, n_threads); }
    bool first() const { return index == 0; }
};

// Calls work(worker) on every thread, the caller being thread 0; returns when all are done. Where
// the system starts fewer threads than asked for, those do all the work: results are the same.
// scratch: one array a thread.
template <class Work>
std::array<double, core::kPhases> run_team(std::vector<Floats>& scratch, Work work) {
    std::atomic<int> team{0};  // its size, known when all that can be started have been
    std::optional<Barrier> barrier;
    std::vector<std::thread> others;
    others.reserve(scratch.size());
    try {
        for (size_t t = 1; t < scratch.size(); ++t)
            others.emplace_back([&, t] {
                while (team.load(std::memory_order_acquire) == 0) std::this_thread::yield();
                Worker worker{static_cast<int>(t), team, *barrier, scratch[t]};
                work(worker);
            });
    } catch (const std::system_error&) {  // a limit on threads or on memory
    }
    const int n_threads = static_cast<int>(others.size()) + 1;
    barrier.emplace(n_threads);
    team.store(n_threads, std::memory_order_release);
    Worker caller{0, n_threads, *barrier, scratch[0]};
    work(caller);
    for (std::thread& other : others) other.join();
    caller.enter(core::kGather);
    return caller.seconds;
}

}  // namespace CORE_ISA
