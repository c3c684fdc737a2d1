// This copy of the core: the functions of one instruction set, as the table the rest of the program
// knows. Compiled once per instruction set with CORE_ISA naming it.
#include "epoch.h"

namespace CORE_ISA {
namespace {

Network* cast(core::Network* net) { return reinterpret_cast<Network*>(net); }
const Network* cast(const core::Network* net) { return reinterpret_cast<const Network*>(net); }

core::Network* create(const core::NetworkSpec& spec) {
    return reinterpret_cast<core::Network*>(build(spec));
}

std::vector<core::WeightInfo> weights(const core::Network* net) {
    std::vector<core::WeightInfo> out;
    for (const auto& p : cast(net)->params)
        out.push_back({p->rows, p->columns, p->is_vector, p->trainable});
    return out;
}

std::vector<std::string> slot_names(const core::Network* net) {
    std::vector<std::string> out = cast(net)->rule.slots;
    if (cast(net)->spec.optimizer.ema_momentum > 0) out.push_back("average");
    return out;
}

void write(core::Network* net, int64_t weight, int slot, const float* values) {
    Param& param = *cast(net)->params[static_cast<size_t>(weight)];
    Floats& to = slot < 0 ? param.value : param.slot[slot];
    std::fill_n(to.get(), to.size, 0.0f);
    to_panels(values, param.rows, param.columns, to.get());
    if (slot >= 0) std::fill_n(param.moved.get(), param.moved.size, 1);
}

void read(const core::Network* net, int64_t weight, int slot, float* values) {
    const Param& param = *cast(net)->params[static_cast<size_t>(weight)];
    const Floats& from = slot < 0 ? param.value : param.slot[slot];
    from_panels(from.get(), param.rows, param.columns, values);
}

void read_gradient(const core::Network* net, int64_t weight, float* values) {
    const Param& param = *cast(net)->params[static_cast<size_t>(weight)];
    from_panels(param.gradient.get(), param.rows, param.columns, values);
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

}  // namespace

extern const core::Api api;
const core::Api api = {
    TEXT(CORE_ISA),
    create,
    [](core::Network* net) { delete cast(net); },
    weights,
    slot_names,
    [](const core::Network* net) { return cast(net)->n_outputs(); },
    write,
    read,
    [](core::Network* net, const core::Batches& b) { return train_epoch(*cast(net), b); },
    [](core::Network* net, const core::Batches& b) { return evaluate(*cast(net), b); },
    [](core::Network* net, const core::Batches& b, float* out) { predict(*cast(net), b, out); },
    [](core::Network* net, const core::Batches& b) { gradients(*cast(net), b); },
    read_gradient,
};

}  // namespace CORE_ISA
