// The native half of the TorchSharp stand-in: a few C functions over the libtorch of the machine.
//
// Operators are not bound one by one. They are found by name in libtorch's dispatcher and called boxed, with an array of
// tagged values; autograd, CUDA and every dtype come with that. Besides: tensor handles, backward, guards, generators,
// threads and TorchScript. Builds against libtorch 1.13 and later.
//
// Conventions: a tensor handle is an owned reference to its TensorImpl. A function that can fail returns 0 on success and
// 1 after storing a message, which ard_error() returns for this thread.

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Generator.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/jit.h>
#include <torch/script.h>
#include <torch/version.h>

#include <dlfcn.h>
#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

namespace {

using at::Tensor;
using c10::IValue;
using OptionalTensor = decltype(std::declval<IValue>().toOptional<Tensor>());
using Impl = c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>;

enum Tag : int32_t {
  kNone, kDefault, kTensor, kInt, kDouble, kBool, kIntList, kDoubleList, kTensorList, kOptionalTensorList, kString, kDevice, kGenerator
};

// One argument or result. count: elements of a list, or the index of a device. bits: the value, or a pointer to the elements.
struct Value {
  int32_t tag;
  int32_t count;
  int64_t bits;
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<bool> is_float;  // arguments that take a float: an integer is converted
};

thread_local std::string last_error;

// A training step frees and asks again for the same large buffers. Left alone, glibc gives them back to the system each time and the
// kernel clears every page anew: a sixth of an attack on MobileNetV2. Here they stay with the process.
struct KeepFreedMemory {
  KeepFreedMemory() {
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, -1);
  }
} keep_freed_memory;

// libtorch's own allocator asks glibc for aligned memory. That is cut out of a larger block, and what is left beside it goes to small
// objects, so that the gap of a freed tensor is too small for the next one of its size: up to half of a process is gaps then. Here the
// block is not cut: its address stands before the aligned memory.
struct TensorMemory : c10::Allocator {
  static constexpr uintptr_t alignment = 64;

  static void* reserve(size_t bytes) {
    auto block = bytes > SIZE_MAX - alignment ? nullptr : std::malloc(bytes + alignment);
    TORCH_CHECK(block, "not enough memory: you tried to allocate ", bytes, " bytes.");
    // malloc aligns by two pointers, so one has room before.
    auto memory = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(block) + alignment) & ~(alignment - 1));
    static_cast<void**>(memory)[-1] = block;
    return memory;
  }

  static void release(void* memory) {
    if (memory) std::free(static_cast<void**>(memory)[-1]);
  }

  // libtorch declares this const until 2.2 and not const from 2.3 on, and the copy from 2.1 on.
  at::DataPtr allocate(size_t bytes) const {
    auto memory = bytes == 0 ? nullptr : reserve(bytes);
    return {memory, memory, &release, at::kCPU};
  }
  at::DataPtr allocate(size_t bytes) { return std::as_const(*this).allocate(bytes); }
  void copy_data(void* target, const void* source, size_t bytes) const { std::memcpy(target, source, bytes); }
  at::DeleterFnPtr raw_deleter() const override { return &release; }
};

// Never destroyed: tensors outlive everything else.
const bool tensor_memory = (c10::SetAllocator(at::kCPU, new TensorMemory), true);

// OpenBLAS comes with threads of its own or with OpenMP's. Its own spin against those of OpenMP, which run everything else, for the same
// processors: an attack on tinycnn then takes 1.7 times as long as with matrix products on one thread.
struct OneThreadOfBlas {
  OneThreadOfBlas() {
    auto kind = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
    auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    constexpr int own_threads = 1;
    if (kind && set_threads && kind() == own_threads && !std::getenv("OPENBLAS_NUM_THREADS")) set_threads(1);
  }
} one_thread_of_blas;

template <class F>
int guarded(F&& body) {
  try {
    body();
    return 0;
  } catch (const c10::Error& e) {
    last_error = e.what_without_backtrace();
  } catch (const std::exception& e) {
    last_error = e.what();
  } catch (...) {
    last_error = "unknown native error";
  }
  return 1;
}

Tensor borrow(int64_t handle) {
  if (handle == 0) return Tensor();
  return Tensor(Impl::unsafe_reclaim_from_nonowning(reinterpret_cast<at::TensorImpl*>(handle)));
}

int64_t own(Tensor tensor) { return tensor.defined() ? reinterpret_cast<int64_t>(tensor.unsafeReleaseTensorImpl()) : 0; }

std::vector<Tensor> borrow_all(const int64_t* handles, int32_t count) {
  std::vector<Tensor> tensors;
  tensors.reserve(count);
  for (int32_t i = 0; i < count; i++) tensors.push_back(borrow(handles[i]));
  return tensors;
}

c10::Device device_of(int32_t type, int32_t index) {
  return c10::Device(static_cast<c10::DeviceType>(type), static_cast<c10::DeviceIndex>(index));
}

template <class T>
c10::List<T> list_of(const Value& value) {
  c10::List<T> list;
  list.reserve(value.count);
  auto* elements = reinterpret_cast<const T*>(value.bits);
  for (int32_t i = 0; i < value.count; i++) list.push_back(elements[i]);
  return list;
}

IValue to_ivalue(const Value& value, bool is_float) {
  switch (value.tag) {
    case kTensor: return borrow(value.bits);
    case kInt: return is_float ? IValue(static_cast<double>(value.bits)) : IValue(value.bits);
    case kDouble: {
      double number;
      std::memcpy(&number, &value.bits, sizeof number);
      return number;
    }
    case kBool: return value.bits != 0;
    case kIntList: return list_of<int64_t>(value);
    case kDoubleList: return list_of<double>(value);
    case kTensorList: return c10::List<Tensor>(borrow_all(reinterpret_cast<const int64_t*>(value.bits), value.count));
    case kOptionalTensorList: {
      c10::List<OptionalTensor> list;
      auto* handles = reinterpret_cast<const int64_t*>(value.bits);
      for (int32_t i = 0; i < value.count; i++)
        list.push_back(handles[i] == 0 ? OptionalTensor() : OptionalTensor(borrow(handles[i])));
      return list;
    }
    case kString: return std::string(reinterpret_cast<const char*>(value.bits), value.count);
    case kDevice: return device_of(static_cast<int32_t>(value.bits), value.count);
    case kGenerator: return *reinterpret_cast<at::Generator*>(value.bits);
    default: return IValue();
  }
}

Value from_ivalue(IValue&& ivalue) {
  Value value{kNone, 0, 0};
  if (ivalue.isTensor()) {
    value = {kTensor, 0, own(std::move(ivalue).toTensor())};
  } else if (ivalue.isInt()) {
    value = {kInt, 0, ivalue.toInt()};
  } else if (ivalue.isDouble()) {
    double number = ivalue.toDouble();
    value.tag = kDouble;
    std::memcpy(&value.bits, &number, sizeof number);
  } else if (ivalue.isBool()) {
    value = {kBool, 0, ivalue.toBool() ? 1 : 0};
  } else if (ivalue.isTensorList()) {
    auto tensors = ivalue.toTensorVector();
    auto* handles = new int64_t[tensors.size()];
    for (size_t i = 0; i < tensors.size(); i++) handles[i] = own(std::move(tensors[i]));
    value = {kTensorList, static_cast<int32_t>(tensors.size()), reinterpret_cast<int64_t>(handles)};
  } else {
    TORCH_CHECK(ivalue.isNone(), "an operator returned an unsupported type: ", ivalue.tagKind());
  }
  return value;
}

void push_results(torch::jit::Stack& stack, Value* results, int32_t capacity, int32_t* count) {
  TORCH_CHECK(static_cast<int32_t>(stack.size()) <= capacity, "an operator returned ", stack.size(), " values, room for ", capacity);
  *count = static_cast<int32_t>(stack.size());
  for (int32_t i = 0; i < *count; i++) results[i] = from_ivalue(std::move(stack[i]));
}

}  // namespace

API const char* ard_error() { return last_error.c_str(); }
API const char* ard_version() { return TORCH_VERSION; }
API const char* ard_show_config() {
  static std::string config = at::show_config();
  return config.c_str();
}

// ---- operators

API int ard_operator(const char* name, const char* overload, void** result) {
  return guarded([&] {
    auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(handle.has_value(), "libtorch ", TORCH_VERSION, " has no operator ", name, *overload ? "." : "", overload);
    auto* op = new Operator{*handle, {}};
    for (const auto& argument : handle->schema().arguments()) {
      auto type = argument.type();
      if (auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
      op->is_float.push_back(type->kind() == c10::TypeKind::FloatType);
    }
    *result = op;
  });
}

API int ard_call(void* op_pointer, const Value* arguments, int32_t count, Value* results, int32_t capacity, int32_t* result_count) {
  return guarded([&] {
    auto* op = static_cast<Operator*>(op_pointer);
    const auto& schema = op->handle.schema().arguments();
    TORCH_CHECK(count <= static_cast<int32_t>(schema.size()), op->handle.schema().name(), " takes ", schema.size(), " arguments, got ", count);
    torch::jit::Stack stack;
    stack.reserve(schema.size());
    for (size_t i = 0; i < schema.size(); i++) {
      if (static_cast<int32_t>(i) < count && arguments[i].tag != kDefault) {
        stack.push_back(to_ivalue(arguments[i], op->is_float[i]));
      } else {
        TORCH_CHECK(schema[i].default_value().has_value(), op->handle.schema().name(), " needs its argument ", schema[i].name());
        stack.push_back(*schema[i].default_value());
      }
    }
    op->handle.callBoxed(stack);
    push_results(stack, results, capacity, result_count);
  });
}

API void ard_free_array(int64_t* handles) { delete[] handles; }

// ---- tensors

API void ard_tensor_free(int64_t handle) { Impl::reclaim(reinterpret_cast<at::TensorImpl*>(handle)); }

// info: dtype, device type, device index, dimensions, elements, storage offset, element size, flags (see below)
API void ard_tensor_info(int64_t handle, int64_t* info) {
  auto* impl = reinterpret_cast<at::TensorImpl*>(handle);
  info[0] = static_cast<int64_t>(c10::typeMetaToScalarType(impl->dtype()));
  info[1] = static_cast<int64_t>(impl->device().type());
  info[2] = impl->device().index();
  info[3] = impl->dim();
  info[4] = impl->numel();
  info[5] = impl->is_sparse() ? 0 : impl->storage_offset();
  info[6] = static_cast<int64_t>(impl->dtype().itemsize());
  Tensor tensor = borrow(handle);
  info[7] = (impl->requires_grad() ? 1 : 0) | (tensor.is_leaf() ? 2 : 0) | (!impl->is_sparse() && impl->is_contiguous() ? 4 : 0) |
            (impl->is_sparse() ? 8 : 0);
}

API void ard_tensor_shape(int64_t handle, int64_t* sizes, int64_t* strides) {
  auto* impl = reinterpret_cast<at::TensorImpl*>(handle);
  if (sizes) std::memcpy(sizes, impl->sizes().data(), impl->dim() * sizeof(int64_t));
  if (strides) std::memcpy(strides, impl->strides().data(), impl->dim() * sizeof(int64_t));
}

API int ard_tensor_data(int64_t handle, void** data) {
  return guarded([&] { *data = borrow(handle).data_ptr(); });
}

API int ard_tensor_set_requires_grad(int64_t handle, int32_t value) {
  return guarded([&] { borrow(handle).set_requires_grad(value != 0); });
}

API int64_t ard_tensor_grad(int64_t handle) { return own(borrow(handle).grad()); }

API int ard_tensor_set_grad(int64_t handle, int64_t grad) {
  return guarded([&] { borrow(handle).mutable_grad() = borrow(grad); });
}

API int ard_tensor_set_data(int64_t handle, int64_t data) {
  return guarded([&] { borrow(handle).set_data(borrow(data)); });
}

API int64_t ard_tensor_alias(int64_t handle) { return own(borrow(handle)); }

// ---- autograd

API int ard_backward(const int64_t* tensors, int32_t count, const int64_t* gradients, int32_t gradient_count, int32_t retain_graph,
                     int32_t create_graph, const int64_t* inputs, int32_t input_count) {
  return guarded([&] {
    torch::autograd::backward(borrow_all(tensors, count), borrow_all(gradients, gradient_count), retain_graph != 0, create_graph != 0,
                              borrow_all(inputs, input_count));
  });
}

API int ard_grad(const int64_t* outputs, int32_t output_count, const int64_t* inputs, int32_t input_count, const int64_t* gradients,
                 int32_t gradient_count, int32_t retain_graph, int32_t create_graph, int32_t allow_unused, int64_t* results) {
  return guarded([&] {
    auto found = torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count),
                                       borrow_all(gradients, gradient_count), retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (size_t i = 0; i < found.size(); i++) results[i] = own(found[i]);
  });
}

API int32_t ard_grad_mode(int32_t enabled) {  // -1 asks; returns the state before
  int32_t before = c10::GradMode::is_enabled() ? 1 : 0;
  if (enabled >= 0) c10::GradMode::set_enabled(enabled != 0);
  return before;
}

API void* ard_inference_begin(int32_t enabled) { return new c10::InferenceMode(enabled != 0); }
API void ard_inference_end(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }
API int32_t ard_inference_enabled() { return c10::InferenceMode::is_enabled() ? 1 : 0; }

// ---- random numbers

API int ard_generator_new(int32_t device_type, int32_t device_index, uint64_t seed, void** result) {
  return guarded([&] {
    at::Generator generator = at::globalContext().defaultGenerator(device_of(device_type, device_index)).clone();
    generator.set_current_seed(seed);
    *result = new at::Generator(generator);
  });
}

API int ard_generator_default(int32_t device_type, int32_t device_index, void** result) {
  return guarded([&] { *result = new at::Generator(at::globalContext().defaultGenerator(device_of(device_type, device_index))); });
}

API void ard_generator_free(void* generator) { delete static_cast<at::Generator*>(generator); }

API int ard_generator_seed(void* generator, uint64_t seed) {
  return guarded([&] {
    auto* g = static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(g->mutex());
    g->set_current_seed(seed);
  });
}

API uint64_t ard_generator_initial_seed(void* generator) { return static_cast<at::Generator*>(generator)->current_seed(); }

API int ard_generator_get_state(void* generator, int64_t* state) {
  return guarded([&] {
    auto* g = static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(g->mutex());
    *state = own(g->get_state());
  });
}

API int ard_generator_set_state(void* generator, int64_t state) {
  return guarded([&] {
    auto* g = static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(g->mutex());
    g->set_state(borrow(state));
  });
}

API int ard_manual_seed(uint64_t seed) {
  return guarded([&] { at::manual_seed(seed); });
}

// ---- threads and devices

API int32_t ard_get_num_threads() { return at::get_num_threads(); }
API int ard_set_num_threads(int32_t count) {
  return guarded([&] { at::set_num_threads(count); });
}
API int32_t ard_get_num_interop_threads() { return static_cast<int32_t>(at::get_num_interop_threads()); }
API int ard_set_num_interop_threads(int32_t count) {
  return guarded([&] { at::set_num_interop_threads(count); });
}

API int32_t ard_cuda_is_available() { return at::globalContext().hasCUDA() ? 1 : 0; }
API int32_t ard_cudnn_is_available() { return at::globalContext().hasCUDA() && at::detail::getCUDAHooks().hasCuDNN() ? 1 : 0; }

API int ard_cuda_device_count(int32_t* count) {
  return guarded([&] {
    *count = at::globalContext().hasCUDA() ? c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount() : 0;
  });
}

API int ard_cuda_synchronize(int32_t index) {
  return guarded([&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(index)); });
}

API int ard_cuda_manual_seed(uint64_t seed) {
  return guarded([&] {
    if (!at::globalContext().hasCUDA()) return;
    int32_t count = c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount();
    for (int32_t i = 0; i < count; i++) {
      at::Generator generator = at::globalContext().defaultGenerator(device_of(static_cast<int32_t>(c10::DeviceType::CUDA), i));
      std::lock_guard<std::mutex> lock(generator.mutex());
      generator.set_current_seed(seed);
    }
  });
}

// which: 0 cuDNN enabled, 1 cuDNN benchmark, 2 cuDNN deterministic, 3 TF32 in cuDNN, 4 TF32 in cuBLAS. set: -1 asks.
API int ard_backend_flag(int32_t which, int32_t set, int32_t* result) {
  return guarded([&] {
    auto& context = at::globalContext();
    bool value = set != 0;
    switch (which) {
      case 0: if (set >= 0) context.setUserEnabledCuDNN(value); *result = context.userEnabledCuDNN(); break;
      case 1: if (set >= 0) context.setBenchmarkCuDNN(value); *result = context.benchmarkCuDNN(); break;
      case 2: if (set >= 0) context.setDeterministicCuDNN(value); *result = context.deterministicCuDNN(); break;
      case 3: if (set >= 0) context.setAllowTF32CuDNN(value); *result = context.allowTF32CuDNN(); break;
      default: if (set >= 0) context.setAllowTF32CuBLAS(value); *result = context.allowTF32CuBLAS(); break;
    }
  });
}

// ---- TorchScript

API int ard_jit_load(const char* path, int32_t device_type, int32_t device_index, void** result) {
  return guarded([&] { *result = new torch::jit::Module(torch::jit::load(path, device_of(device_type, device_index))); });
}

API void ard_jit_free(void* module) { delete static_cast<torch::jit::Module*>(module); }

API int ard_jit_compile(const char* source, void** result) {
  return guarded([&] { *result = new std::shared_ptr<torch::jit::CompilationUnit>(torch::jit::compile(source)); });
}

API void ard_jit_free_unit(void* unit) { delete static_cast<std::shared_ptr<torch::jit::CompilationUnit>*>(unit); }

// Calls a method of a module, or a function of a compilation unit.
API int ard_jit_call(void* program, int32_t is_unit, const char* name, const Value* arguments, int32_t count, Value* results,
                     int32_t capacity, int32_t* result_count) {
  return guarded([&] {
    std::vector<IValue> inputs;
    for (int32_t i = 0; i < count; i++) inputs.push_back(to_ivalue(arguments[i], false));
    torch::jit::Stack stack{
        is_unit ? (*static_cast<std::shared_ptr<torch::jit::CompilationUnit>*>(program))->get_function(name)(std::move(inputs))
                : static_cast<torch::jit::Module*>(program)->get_method(name)(std::move(inputs))};
    push_results(stack, results, capacity, result_count);
  });
}

API int ard_jit_train(void* module, int32_t on) {
  return guarded([&] { static_cast<torch::jit::Module*>(module)->train(on != 0); });
}

API int32_t ard_jit_is_training(void* module) { return static_cast<torch::jit::Module*>(module)->is_training() ? 1 : 0; }

// device_type or dtype -1: as it is
API int ard_jit_to(void* module, int32_t device_type, int32_t device_index, int32_t dtype) {
  return guarded([&] {
    auto* m = static_cast<torch::jit::Module*>(module);
    if (device_type >= 0) m->to(device_of(device_type, device_index));
    if (dtype >= 0) m->to(static_cast<c10::ScalarType>(dtype));
  });
}

// The next parameter (or buffer) after position: its name and tensor; *name is null past the last one.
API int ard_jit_tensor_at(void* module, int32_t buffers, int32_t position, const char** name, int64_t* tensor) {
  return guarded([&] {
    thread_local std::string holder;
    auto* m = static_cast<torch::jit::Module*>(module);
    int32_t i = 0;
    *name = nullptr;
    auto visit = [&](const auto& list) {
      for (const auto& item : list)
        if (i++ == position) {
          holder = item.name;
          *name = holder.c_str();
          *tensor = own(item.value);
          return;
        }
    };
    if (buffers) visit(m->named_buffers()); else visit(m->named_parameters());
  });
}
