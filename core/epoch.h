// Whole passes over the caller's examples: an epoch of training, evaluation, prediction.
#pragma once

#include "backward.h"

namespace CORE_ISA {

// Sums of the samples' losses and metrics, in the order of the samples, in double.
struct Totals {
    double loss = 0;
    std::vector<double> metrics;
    int64_t n = 0;

    explicit Totals(size_t n_metrics) : metrics(n_metrics) {}

    void add(const Network& net, int64_t n_batch, double penalty) {
        double batch = 0;
        for (int64_t r = 0; r < n_batch; ++r) batch += net.sample_loss[r];
        loss += batch + penalty * static_cast<double>(n_batch);
        for (size_t m = 0; m < metrics.size(); ++m)
            for (int64_t r = 0; r < n_batch; ++r) metrics[m] += net.sample_metric[m][r];
        n += n_batch;
    }

    core::Outcome outcome(const std::array<double, core::kPhases>& seconds) const {
        core::Outcome out;
        out.loss = loss / static_cast<double>(n);
        for (double m : metrics) out.metrics.push_back(m / static_cast<double>(n));
        out.finite = std::isfinite(out.loss);
        out.seconds = seconds;
        return out;
    }
};

//     penalty = sum over weights of l1 sum |w| + l2 sum w^2; each thread its panels, then added up
inline void penalties(Network& net, const Worker& worker) {
    for_own_panels(net, worker, [](Param& param, int64_t p) {
        if (!param.penalized()) return;
        const float* w = param.value.get() + p * param.rows * kPanel;
        double l1 = 0, l2 = 0;
        for (int64_t i = 0; i < param.rows * kPanel; ++i) {
            l1 += std::fabs(w[i]);
            l2 += static_cast<double>(w[i]) * w[i];
        }
        param.penalty[p] = param.l1 * l1 + param.l2 * l2;
    });
}

inline double total_penalty(const Network& net) {
    double total = 0;
    for (const auto& param : net.params)
        if (param->trainable && param->penalized())
            for (int64_t p = 0; p < param->panels(); ++p) total += param->penalty[p];
    return total;
}

// Calls each(at, n, index) for consecutive batches, on every thread.
template <class F>
void for_batches(int64_t n_rows, int64_t batch_size, F each) {
    for (int64_t at = 0, index = 0; at < n_rows; at += batch_size, ++index)
        each(at, std::min(batch_size, n_rows - at), index);
}

inline core::Outcome train_epoch(Network& net, const core::Batches& batches) {
    prepare_input(net, batches);
    if (!net.sparse_input)
        for (auto& param : net.params) std::fill_n(param->moved.get(), param->moved.size, 1);
    Totals totals(net.metrics.size());
    const auto seconds = run_team(net.scratch, [&](Worker& worker) {
        for_batches(batches.n_rows, batches.batch_size, [&](int64_t at, int64_t n, int64_t index) {
            const Step step{batches.first_step + index, n, true, true};
            const StepNumbers numbers = step_numbers(*net.optimizer, net.spec.optimizer,
                                                     batches.learning_rates[index], step.number);
            gather(net, batches, at, n, true, worker);
            forward(net, step, worker);
            losses(net, batches, at, step, worker);
            penalties(net, worker);
            backward(net, step, numbers, worker);
            if (worker.first()) totals.add(net, n, total_penalty(net));
            worker.meet();
        });
    });
    return totals.outcome(seconds);
}

inline core::Outcome evaluate(Network& net, const core::Batches& batches) {
    prepare_input(net, batches);
    Totals totals(net.metrics.size());
    const auto seconds = run_team(net.scratch, [&](Worker& worker) {
        penalties(net, worker);
        for_batches(batches.n_rows, net.max_batch(), [&](int64_t at, int64_t n, int64_t) {
            const Step step{0, n, false, false};
            gather(net, batches, at, n, false, worker);
            forward(net, step, worker);
            losses(net, batches, at, step, worker);
            worker.meet();
            if (worker.first()) totals.add(net, n, total_penalty(net));
            worker.meet();  // before the next batch writes over what was added
        });
    });
    return totals.outcome(seconds);
}

inline void predict(Network& net, const core::Batches& batches, float* out) {
    prepare_input(net, batches);
    const Stage& last = net.stages.back();
    run_team(net.scratch, [&](Worker& worker) {
        for_batches(batches.n_rows, net.max_batch(), [&](int64_t at, int64_t n, int64_t) {
            gather(net, batches, at, n, false, worker);
            forward(net, {0, n, false, false}, worker);
            const Range rows = worker.part(n);
            for (int64_t r = rows.begin; r < rows.end; ++r)
                read_row(last.out, net.stride(), r, last.n_out, out + (at + r) * last.n_out);
            worker.meet();
        });
    });
}

inline void gradients(Network& net, const core::Batches& batches) {
    prepare_input(net, batches);
    for (auto& param : net.params)
        if (param->trainable && !param->gradient.size) param->gradient.resize(param->floats());
    run_team(net.scratch, [&](Worker& worker) {
        const Step step{0, batches.n_rows, true, false};
        gather(net, batches, 0, batches.n_rows, true, worker);
        forward(net, step, worker);
        losses(net, batches, 0, step, worker);
        backward(net, step, StepNumbers{}, worker);
    });
}

}  // namespace CORE_ISA
