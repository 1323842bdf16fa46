using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>The C functions of native/ardtorch.cpp. Those that return int return 0 on success.</summary>
internal static unsafe partial class Native
{
    private const string Library = "ardtorch";

    static Native() => NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, Resolve);

    // A missing libtorch would otherwise show as a DllNotFoundException that names only our own library.
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library) return 0;
        try
        {
            return NativeLibrary.Load(name, assembly, path);
        }
        catch (Exception fault) when (fault is DllNotFoundException or BadImageFormatException)
        {
            throw new NotSupportedException(
                "libtorch could not be loaded. Install it (Debian, Ubuntu: sudo apt-get install libtorch-dev libopenblas0-openmp), " +
                "or set ARD_LIBTORCH to a libtorch folder, and build again. The loader said: " + fault.Message.Split('\n')[0], fault);
        }
    }

    /// <summary>Throws what libtorch reported, as TorchSharp does.</summary>
    internal static void Check(int result)
    {
        if (result != 0) throw new ExternalException(Marshal.PtrToStringUTF8(ard_error()));
    }

    [LibraryImport(Library)] private static partial nint ard_error();
    [LibraryImport(Library)] internal static partial nint ard_version();
    [LibraryImport(Library)] internal static partial nint ard_show_config();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ard_operator(string name, string overload, out nint op);
    [LibraryImport(Library)]
    internal static partial int ard_call(nint op, Value* arguments, int count, Value* results, int capacity, out int resultCount);
    [LibraryImport(Library)] internal static partial void ard_free_array(long* handles);

    [LibraryImport(Library)] internal static partial void ard_tensor_free(long handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void ard_tensor_info(long handle, long* info);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void ard_tensor_shape(long handle, long* sizes, long* strides);
    [LibraryImport(Library)] internal static partial int ard_tensor_data(long handle, out nint data);
    [LibraryImport(Library)] internal static partial int ard_tensor_set_requires_grad(long handle, int value);
    [LibraryImport(Library)] internal static partial long ard_tensor_grad(long handle);
    [LibraryImport(Library)] internal static partial int ard_tensor_set_grad(long handle, long grad);
    [LibraryImport(Library)] internal static partial int ard_tensor_set_data(long handle, long data);
    [LibraryImport(Library)] internal static partial long ard_tensor_alias(long handle);

    [LibraryImport(Library)]
    internal static partial int ard_backward(
        long* tensors, int count, long* gradients, int gradientCount, int retainGraph, int createGraph, long* inputs, int inputCount);
    [LibraryImport(Library)]
    internal static partial int ard_grad(
        long* outputs, int outputCount, long* inputs, int inputCount, long* gradients, int gradientCount,
        int retainGraph, int createGraph, int allowUnused, long* results);
    [LibraryImport(Library)] internal static partial int ard_grad_mode(int enabled);
    [LibraryImport(Library)] internal static partial nint ard_inference_begin(int enabled);
    [LibraryImport(Library)] internal static partial void ard_inference_end(nint guard);
    [LibraryImport(Library)] internal static partial int ard_inference_enabled();

    [LibraryImport(Library)] internal static partial int ard_generator_new(int deviceType, int deviceIndex, ulong seed, out nint generator);
    [LibraryImport(Library)] internal static partial int ard_generator_default(int deviceType, int deviceIndex, out nint generator);
    [LibraryImport(Library)] internal static partial void ard_generator_free(nint generator);
    [LibraryImport(Library)] internal static partial int ard_generator_seed(nint generator, ulong seed);
    [LibraryImport(Library)] internal static partial ulong ard_generator_initial_seed(nint generator);
    [LibraryImport(Library)] internal static partial int ard_generator_get_state(nint generator, out long state);
    [LibraryImport(Library)] internal static partial int ard_generator_set_state(nint generator, long state);
    [LibraryImport(Library)] internal static partial int ard_manual_seed(ulong seed);

    [LibraryImport(Library)] internal static partial int ard_get_num_threads();
    [LibraryImport(Library)] internal static partial int ard_set_num_threads(int count);
    [LibraryImport(Library)] internal static partial int ard_get_num_interop_threads();
    [LibraryImport(Library)] internal static partial int ard_set_num_interop_threads(int count);

    [LibraryImport(Library)] internal static partial int ard_cuda_is_available();
    [LibraryImport(Library)] internal static partial int ard_cudnn_is_available();
    [LibraryImport(Library)] internal static partial int ard_cuda_device_count(out int count);
    [LibraryImport(Library)] internal static partial int ard_cuda_synchronize(int index);
    [LibraryImport(Library)] internal static partial int ard_cuda_manual_seed(ulong seed);
    [LibraryImport(Library)] internal static partial int ard_backend_flag(int which, int set, out int value);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ard_jit_load(string path, int deviceType, int deviceIndex, out nint module);
    [LibraryImport(Library)] internal static partial void ard_jit_free(nint module);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ard_jit_compile(string source, out nint unit);
    [LibraryImport(Library)] internal static partial void ard_jit_free_unit(nint unit);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ard_jit_call(
        nint program, int isUnit, string name, Value* arguments, int count, Value* results, int capacity, out int resultCount);
    [LibraryImport(Library)] internal static partial int ard_jit_train(nint module, int on);
    [LibraryImport(Library)] internal static partial int ard_jit_is_training(nint module);
    [LibraryImport(Library)] internal static partial int ard_jit_to(nint module, int deviceType, int deviceIndex, int dtype);
    [LibraryImport(Library)]
    internal static partial int ard_jit_tensor_at(nint module, int buffers, int position, out nint name,
        out long tensor);
}
