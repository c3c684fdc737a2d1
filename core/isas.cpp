// Which instruction sets this build has, and which of them this machine can run.
#include "activation.h"
#include "api.h"
#include "loss.h"
#include "optimizer.h"

namespace portable {
extern const core::Api api;
}
#if defined(CORE_X86)
namespace avx2 {
extern const core::Api api;
}
namespace avx512 {
extern const core::Api api;
}
#endif

namespace core {

std::vector<const Api*> available() {
    std::vector<const Api*> out;
#if defined(CORE_X86)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("fma"))
        out.push_back(&avx512::api);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) out.push_back(&avx2::api);
#endif
    out.push_back(&portable::api);
    return out;
}

namespace {
template <class Table>
std::vector<std::string> names_in(const Table& table) {
    std::vector<std::string> out;
    for (const auto& entry : table) out.push_back(entry.name);
    return out;
}
}  // namespace

std::vector<std::string> activation_names() {
    std::vector<std::string> out = names_in(CORE_ISA::kActivations);
    out.push_back("linear");
    out.push_back("softmax");
    return out;
}
std::vector<std::string> loss_names() { return names_in(CORE_ISA::kLosses); }
std::vector<std::string> metric_names() { return names_in(CORE_ISA::kMetrics); }
std::vector<std::string> optimizer_names() { return names_in(CORE_ISA::kOptimizers); }

}  // namespace core
