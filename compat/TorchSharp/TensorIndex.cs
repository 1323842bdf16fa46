using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>One position of an index expression, as in <c>x[TensorIndex.Colon, 0, TensorIndex.Slice(1, 5)]</c>.</summary>
    public struct TensorIndex
    {
        internal enum Kind { None, Bool, Null, Colon, Ellipsis, Single, Slice, Tensor }

        internal Kind kind;
        internal long? start, stop, step;
        internal Tensor tensor;

        public static TensorIndex Ellipsis = new() { kind = Kind.Ellipsis };
        public static TensorIndex None = new() { kind = Kind.None };
        public static TensorIndex Null = new() { kind = Kind.Null };
        public static TensorIndex Colon = new() { kind = Kind.Colon };

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { kind = Kind.Slice, start = start, stop = stop, step = step };

        public static TensorIndex Slice((int?, int?) range) => Slice(range.Item1, range.Item2);

        public static TensorIndex Slice(Range range)
        {
            long start = range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value;
            // ^0 is the end itself, which no negative number says.
            long? stop = !range.End.IsFromEnd ? range.End.Value : range.End.Value == 0 ? null : -range.End.Value;
            return Slice(start, stop);
        }

        public static TensorIndex Bool(bool value) => new() { kind = Kind.Bool, start = value ? 1 : 0 };
        public static TensorIndex Single(long? index) => new() { kind = Kind.Single, start = index };
        public static TensorIndex Tensor(Tensor tensor) => new() { kind = Kind.Tensor, tensor = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex((int?, int?) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);
    }

    public partial class Tensor
    {
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices, false);
        }

        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices, false);
        }

        public Tensor this[params long[] indices]
        {
            get => index(indices.Select(TensorIndex (i) => i).ToArray());
            set => index_put_(value, indices.Select(TensorIndex (i) => i).ToArray(), false);
        }

        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => index_put_(value, [(TensorIndex)i1], false);
        }

        public Tensor this[long i1, long i2]
        {
            get => index([(TensorIndex)i1, i2]);
            set => index_put_(value, [(TensorIndex)i1, i2], false);
        }

        public Tensor this[long i1, long i2, long i3]
        {
            get => index([(TensorIndex)i1, i2, i3]);
            set => index_put_(value, [(TensorIndex)i1, i2, i3], false);
        }

        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => index([(TensorIndex)i1, i2, i3, i4]);
            set => index_put_(value, [(TensorIndex)i1, i2, i3, i4], false);
        }

        public Tensor index(params Tensor[] indices) => Dispatch.Call("aten::index.Tensor", this, Arg.OptionalList(indices));

        public Tensor index(params TensorIndex[] indices)
        {
            (Tensor view, Tensor[] advanced) = View(indices);
            return advanced is null ? view : view.index(advanced);
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) =>
            Dispatch.InPlace("aten::index_put_", this, Arg.OptionalList(indices), value, accumulate);

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            (Tensor view, Tensor[] advanced) = View(indices);
            if (advanced is not null) view.index_put_(value, advanced, accumulate);
            else if (accumulate) view.add_(value);
            else view.copy_(value);
            return this;
        }

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using Tensor number = full([], value, dtype, device);
            return index_put_(number, indices, false);
        }

        // Basic indexing makes a view; tensors among the indices are left for aten::index, null where a dimension is taken whole.
        private (Tensor, Tensor[]) View(TensorIndex[] indices)
        {
            Tensor view = alias();
            int consumed = indices.Sum(i => i.kind switch
            {
                TensorIndex.Kind.None or TensorIndex.Kind.Null or TensorIndex.Kind.Ellipsis or TensorIndex.Kind.Bool => 0,
                TensorIndex.Kind.Tensor when i.tensor.dtype == ScalarType.Bool => (int)i.tensor.Dimensions,
                _ => 1,
            });
            List<Tensor> advanced = null;
            int at = 0;
            foreach (TensorIndex i in indices)
            {
                switch (i.kind)
                {
                    case TensorIndex.Kind.None or TensorIndex.Kind.Null:
                        view = view.unsqueeze(at++);
                        break;
                    case TensorIndex.Kind.Colon:
                        at++;
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        at += (int)Dimensions - consumed;
                        break;
                    case TensorIndex.Kind.Single:
                        view = view.select(at, i.start.Value);
                        break;
                    case TensorIndex.Kind.Slice:
                        view = Dispatch.Call("aten::slice.Tensor", view, at++, i.start, i.stop, i.step ?? 1);
                        break;
                    default:
                        advanced ??= [];
                        while (advanced.Count < at) advanced.Add(null);
                        advanced.Add(i.kind == TensorIndex.Kind.Bool ? full([], i.start != 0) : i.tensor);
                        at += i.kind == TensorIndex.Kind.Bool ? 0 : 1;
                        break;
                }
            }
            return (view, advanced?.ToArray());
        }
    }
}
