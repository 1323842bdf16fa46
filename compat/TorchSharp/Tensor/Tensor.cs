using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Interop;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>An owned reference to a libtorch tensor: its life, its properties and its data.</summary>
    public unsafe partial class Tensor : IDisposable
    {
        private static long totalCount, peakCount;
        private long handle;

        internal DisposeScope OwningScope;

        internal Tensor(long handle)
        {
            this.handle = handle;
            long live = Interlocked.Increment(ref totalCount);
            for (long peak = peakCount; live > peak; peak = peakCount)
                if (Interlocked.CompareExchange(ref peakCount, live, peak) == peak) break;
            OwningScope = DisposeScopeManager.Register(this);
        }

        /// <summary>
        /// Takes over the donor's reference and its place in its dispose scope; the donor is empty afterwards. Nothing is counted,
        /// because no tensor came into being.
        /// </summary>
        private protected Tensor(Tensor donor)
        {
            handle = donor.NativeHandle;
            donor.handle = 0;
            OwningScope = donor.OwningScope;
            donor.OwningScope = null;
            if (OwningScope is { } scope)
            {
                scope.Items.Remove(donor);
                scope.Items.Add(this);
            }
            GC.SuppressFinalize(donor);
        }

        /// <summary>Live tensors of the process.</summary>
        public static long TotalCount => totalCount;

        public static long PeakCount => peakCount;

        internal long NativeHandle => handle != 0 ? handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public nint Handle => (nint)NativeHandle;

        public bool IsInvalid => handle == 0;

        /// <summary>Another reference to the same tensor.</summary>
        internal Tensor NewReference() => new(Native.ard_tensor_alias(NativeHandle));

        /// <summary>Gives the handle away; this object is empty afterwards.</summary>
        internal long Release()
        {
            long mine = NativeHandle;
            handle = 0;
            Interlocked.Decrement(ref totalCount);
            OwningScope?.MarkAsDisposed(this);
            GC.SuppressFinalize(this);
            return mine;
        }

        public void Dispose()
        {
            if (OwningScope is { } scope && handle != 0) scope.MarkAsDisposed(this);
            else if (handle != 0) DisposeScopeManager.Statistics.TensorStatistics.DisposedOutsideScopeCount++;
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        /// <summary>Disposal by the scope, which counts it and has already let go of this tensor.</summary>
        internal void DisposeByScope()
        {
            OwningScope = null;
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        ~Tensor() => Dispose(false);

        protected virtual void Dispose(bool disposing)
        {
            long mine = Interlocked.Exchange(ref handle, 0);
            if (mine == 0) return;
            Native.ard_tensor_free(mine);
            Interlocked.Decrement(ref totalCount);
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (OwningScope is { } scope) scope.MoveToOther(other, this);
            else other?.Attach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningScope);

        public Tensor DetachFromDisposeScope()
        {
            OwningScope?.Detach(this);
            return this;
        }

        // ---- properties

        [InlineArray(8)]
        private struct Info
        {
            private long first;
        }

        private Info GetInfo()
        {
            Info info = default;
            Native.ard_tensor_info(NativeHandle, (long*)&info);
            GC.KeepAlive(this);
            return info;
        }

        public ScalarType dtype => (ScalarType)GetInfo()[0];
        public DeviceType device_type => (DeviceType)GetInfo()[1];
        public int device_index => (int)GetInfo()[2];
        public long Dimensions => GetInfo()[3];
        public long ndim => Dimensions;
        public long dim() => Dimensions;
        public long NumberOfElements => GetInfo()[4];
        public long numel() => NumberOfElements;
        public long storage_offset() => GetInfo()[5];
        public long ElementSize => GetInfo()[6];
        public long element_size() => ElementSize;
        public bool is_leaf => (GetInfo()[7] & 2) != 0;
        public bool is_contiguous() => (GetInfo()[7] & 4) != 0;
        public bool is_sparse => (GetInfo()[7] & 8) != 0;
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_integral() => torch.is_integral(dtype);

        public Device device
        {
            get
            {
                Info info = GetInfo();
                return new Device((DeviceType)info[1], (int)info[2]);
            }
        }

        public long[] shape
        {
            get
            {
                var sizes = new long[Dimensions];
                fixed (long* into = sizes) Native.ard_tensor_shape(NativeHandle, into, null);
                GC.KeepAlive(this);
                return sizes;
            }
        }

        public long[] size() => shape;

        public long size(int dim)
        {
            long[] sizes = shape;
            if (dim < -sizes.Length || dim >= sizes.Length)
                throw new ExternalException(
                    $"Dimension out of range (expected to be in range of [{-sizes.Length}, {sizes.Length - 1}], but got {dim})");
            return sizes[dim < 0 ? dim + sizes.Length : dim];
        }

        public long[] stride()
        {
            var strides = new long[Dimensions];
            fixed (long* into = strides) Native.ard_tensor_shape(NativeHandle, null, into);
            GC.KeepAlive(this);
            return strides;
        }

        public long stride(int dim) => stride()[dim < 0 ? dim + (int)Dimensions : dim];

        public bool requires_grad
        {
            get => (GetInfo()[7] & 1) != 0;
            set
            {
                Native.Check(Native.ard_tensor_set_requires_grad(NativeHandle, value ? 1 : 0));
                GC.KeepAlive(this);
            }
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        public Tensor grad
        {
            get
            {
                long found = Native.ard_tensor_grad(NativeHandle);
                GC.KeepAlive(this);
                return found == 0 ? null : new Tensor(found);
            }
            set
            {
                Native.Check(Native.ard_tensor_set_grad(NativeHandle, value?.NativeHandle ?? 0));
                GC.KeepAlive(this);
                GC.KeepAlive(value);
            }
        }

        // ---- autograd

        public void backward() => backward(null);

        public void backward(
            IList<Tensor> grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor> inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);

        public void retain_grad() => Dispatch.Call("aten::retain_grad", this);

        public Tensor detach() => Dispatch.Call("aten::detach", this);

        public Tensor detach_() => Dispatch.InPlace("aten::detach_", this);

        // ---- data

        private nint DataPointer(bool contiguous)
        {
            if (device_type != DeviceType.CPU)
                throw new InvalidOperationException(
                    "Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            if (contiguous && !is_contiguous()) throw new InvalidOperationException("Bytes() called on non-contiguous tensor.");
            Native.Check(Native.ard_tensor_data(NativeHandle, out nint data));
            return data;
        }

        public Span<byte> bytes
        {
            get => new((void*)DataPointer(contiguous: true), checked((int)(NumberOfElements * ElementSize)));
            set
            {
                if (value.Length != NumberOfElements * ElementSize)
                    throw new ArgumentException(
                        $"Mismatched data sizes: {value.Length} bytes into a tensor of {NumberOfElements * ElementSize}.");
                value.CopyTo(bytes);
            }
        }

        public TensorAccessor<T> data<T>() where T : struct
        {
            if (typeof(T) != ElementType(dtype)) throw new ArgumentException($"{typeof(T).Name} is not compatible with {dtype}");
            return new TensorAccessor<T>(this, DataPointer(contiguous: false));
        }

        public T item<T>() where T : struct
        {
            if (NumberOfElements != 1) throw new ArgumentException("Number of elements in the tensor must be 1");
            if (typeof(T) != ElementType(dtype)) throw new ArgumentException($"{typeof(T).Name} is not compatible with {dtype}");
            using Tensor local = device_type == DeviceType.CPU ? NewReference() : detach().cpu();
            return Unsafe.ReadUnaligned<T>((void*)local.DataPointer(false));
        }

        public Scalar ToScalar() => Dispatch.CallScalar("aten::_local_scalar_dense", this);

        internal static Type ElementType(ScalarType type) => type switch
        {
            ScalarType.Byte => typeof(byte),
            ScalarType.Int8 => typeof(sbyte),
            ScalarType.Int16 => typeof(short),
            ScalarType.Int32 => typeof(int),
            ScalarType.Int64 => typeof(long),
            ScalarType.Float16 => typeof(Half),
            ScalarType.Float32 => typeof(float),
            ScalarType.Float64 => typeof(double),
            ScalarType.Bool => typeof(bool),
            _ => null,
        };

        // ---- moves

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Moved(Dispatch.Call("aten::to.dtype", this, type, non_blocking, copy), disposeAfter);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(type, copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Moved(Dispatch.Call("aten::to.device", this, InitializeDevice(device), type, non_blocking, copy), disposeAfter);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(dtype, device, copy, disposeAfter, non_blocking);

        public Tensor to(
            DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool non_blocking = false) => Dispatch.Call("aten::to.other", this, other, non_blocking);

        public Tensor cpu() => to(CPU);
        public Tensor cuda(Device device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);

        public Tensor type(ScalarType dtype) => to(dtype);
        public Tensor type_as(Tensor tensor) => to(tensor.dtype, tensor.device);
        public Tensor @bool() => to(ScalarType.Bool);
        public Tensor @byte() => to(ScalarType.Byte);
        public Tensor @char() => to(ScalarType.Int8);
        public Tensor @short() => to(ScalarType.Int16);
        public Tensor @int() => to(ScalarType.Int32);
        public Tensor @long() => to(ScalarType.Int64);
        public Tensor half() => to(ScalarType.Float16);
        public Tensor bfloat16() => to(ScalarType.BFloat16);
        public Tensor @float() => to(ScalarType.Float32);
        public Tensor @double() => to(ScalarType.Float64);

        private Tensor Moved(Tensor result, bool disposeAfter)
        {
            if (disposeAfter) Dispose();
            return result;
        }

        // ---- identity and text

        public bool Equals(Tensor target) => target is not null && Dispatch.CallBool("aten::equal", this, target);

        public override bool Equals(object obj) => obj is Tensor other && Equals(other);

        public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

        public override string ToString() =>
            $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";

        public static explicit operator float(Tensor value) => (float)value.ToScalar().AsDouble;
        public static explicit operator double(Tensor value) => value.ToScalar().AsDouble;
        public static explicit operator int(Tensor value) => (int)value.ToScalar().AsInt64;
        public static explicit operator long(Tensor value) => value.ToScalar().AsInt64;
        public static explicit operator bool(Tensor value) => value.ToScalar().AsDouble != 0;
    }

}

public static class TensorExtensionMethods
{
    public static bool ToBoolean(this torch.Tensor value) => value.ToScalar().AsDouble != 0;
    public static float ToSingle(this torch.Tensor value) => (float)value.ToScalar().AsDouble;
    public static double ToDouble(this torch.Tensor value) => value.ToScalar().AsDouble;
    public static int ToInt32(this torch.Tensor value) => (int)value.ToScalar().AsInt64;
    public static long ToInt64(this torch.Tensor value) => value.ToScalar().AsInt64;

    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 => 4,
        torch.ScalarType.Int64 or torch.ScalarType.Float64 => 8,
        _ => 1,
    };
}
