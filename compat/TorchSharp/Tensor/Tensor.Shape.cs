using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Views, reordering, joining, splitting and picking.</summary>
    public partial class Tensor
    {
        public Tensor alias() => Dispatch.Call("aten::alias", this);
        public Tensor clone() => Dispatch.Call("aten::clone", this);
        public Tensor contiguous() => Dispatch.Call("aten::contiguous", this);
        public Tensor view(params long[] shape) => Dispatch.Call("aten::view", this, shape);
        public Tensor view_as(Tensor other) => view(other.shape);
        public Tensor reshape(params long[] shape) => Dispatch.Call("aten::reshape", this, shape);
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Dispatch.Call("aten::flatten.using_ints", this, start_dim, end_dim);
        public Tensor unflatten(long dim, params long[] sizes)
        {
            long[] now = shape;
            int at = (int)(dim < 0 ? dim + now.Length : dim);
            return view([.. now[..at], .. sizes, .. now[(at + 1)..]]);
        }

        public Tensor squeeze(long? dim = null) =>
            dim is { } d ? Dispatch.Call("aten::squeeze.dim", this, d) : Dispatch.Call("aten::squeeze", this);
        public Tensor unsqueeze(long dim) => Dispatch.Call("aten::unsqueeze", this, dim);
        public Tensor unsqueeze_(long dim) => Dispatch.InPlace("aten::unsqueeze_", this, dim);
        public Tensor permute(params long[] permutation) => Dispatch.Call("aten::permute", this, permutation);
        public Tensor transpose(long dim0, long dim1) => Dispatch.Call("aten::transpose.int", this, dim0, dim1);
        public Tensor t() => Dispatch.Call("aten::t", this);
        public Tensor T => Dispatch.Call("aten::numpy_T", this);
        public Tensor mT => transpose(-2, -1);
        public Tensor movedim(long[] source, long[] destination) => Dispatch.Call("aten::movedim.intlist", this, source, destination);
        public Tensor expand(params long[] sizes) => expand(sizes, false);
        public Tensor expand(long[] sizes, bool isImplicit = false) => Dispatch.Call("aten::expand", this, sizes, isImplicit);
        public Tensor expand_as(Tensor other) => Dispatch.Call("aten::expand_as", this, other);
        public Tensor broadcast_to(params long[] shape) => Dispatch.Call("aten::broadcast_to", this, shape);
        public Tensor repeat(params long[] sizes) => Dispatch.Call("aten::repeat", this, sizes);
        public Tensor tile(long[] reps) => Dispatch.Call("aten::tile", this, reps);

        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) =>
            Dispatch.Call("aten::repeat_interleave.self_int", this, repeats, dim, output_size);

        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) =>
            Dispatch.Call("aten::repeat_interleave.self_Tensor", this, repeats, dim, output_size);

        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0) =>
            Dispatch.Call("aten::as_strided", this, size, strides, storageOffset);
        public Tensor unfold(long dimension, long size, long step) => Dispatch.Call("aten::unfold", this, dimension, size, step);
        public Tensor narrow(long dim, long start, long length) => Dispatch.Call("aten::narrow", this, dim, start, length);
        public Tensor slice(long dim, long start, long finish, long step) =>
            Dispatch.Call("aten::slice.Tensor", this, dim, start, finish, step);
        public Tensor select(long dim, long index) => Dispatch.Call("aten::select.int", this, dim, index);
        public Tensor diagonal(long offset = 0, long dim1 = 0, long dim2 = 1) => Dispatch.Call("aten::diagonal", this, offset, dim1, dim2);
        public Tensor diag(long diagonal = 0) => Dispatch.Call("aten::diag", this, diagonal);
        public Tensor tril(long diagonal = 0) => Dispatch.Call("aten::tril", this, diagonal);
        public Tensor triu(long diagonal = 0) => Dispatch.Call("aten::triu", this, diagonal);
        public Tensor flip(params long[] dims) => Dispatch.Call("aten::flip", this, dims);
        public Tensor roll(long shifts, long? dims = null) =>
            Dispatch.Call("aten::roll", this, new[] { shifts }, dims is { } d ? new[] { d } : Array.Empty<long>());
        public Tensor roll(long[] shifts, long[] dims) => Dispatch.Call("aten::roll", this, shifts, dims);

        public Tensor[] chunk(long chunks, long dim = 0) => Dispatch.CallList("aten::chunk", this, chunks, dim);
        public Tensor[] split(long size, int dim = 0) => Dispatch.CallList("aten::split.Tensor", this, size, dim);
        public Tensor[] split(long[] sizes, long dim = 0) => Dispatch.CallList("aten::split_with_sizes", this, sizes, dim);
        public Tensor[] unbind(long dimension = 0) => Dispatch.CallList("aten::unbind.int", this, dimension);

        public Tensor gather(long dim, Tensor index) => Dispatch.Call("aten::gather", this, dim, index);
        public Tensor scatter(long dim, Tensor index, Tensor src) => Dispatch.Call("aten::scatter.src", this, dim, index, src);
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Dispatch.InPlace("aten::scatter_.src", this, dim, index, src);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Dispatch.Call("aten::scatter_add", this, dim, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Dispatch.InPlace("aten::scatter_add_", this, dim, index, src);
        public Tensor index_select(long dim, Tensor index) => Dispatch.Call("aten::index_select", this, dim, index);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Dispatch.InPlace("aten::index_copy_", this, dim, index, source);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) =>
            Dispatch.InPlace("aten::index_add_", this, dim, index, source, alpha);
        public Tensor index_fill_(long dim, Tensor index, Scalar value) =>
            Dispatch.InPlace("aten::index_fill_.int_Scalar", this, dim, index, value);
        public Tensor masked_select(Tensor mask) => Dispatch.Call("aten::masked_select", this, mask);
        public Tensor take(Tensor index) => Dispatch.Call("aten::take", this, index);
        public Tensor take_along_dim(Tensor indices, long dim) => Dispatch.Call("aten::take_along_dim", this, indices, dim);
    }

    public static Tensor cat(Tensor[] tensors, long dim = 0) => Dispatch.Call("aten::cat", tensors, dim);
    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => cat(tensors.ToArray(), dim);
    public static Tensor cat(ReadOnlySpan<Tensor> tensors, long dim = 0) => cat(tensors.ToArray(), dim);
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Dispatch.Call("aten::stack", tensors.ToArray(), dim);
    public static Tensor unsqueeze(Tensor input, long dim) => input.unsqueeze(dim);
    public static Tensor transpose(Tensor input, long dim0, long dim1) => input.transpose(dim0, dim1);
    public static Tensor tile(Tensor input, long[] dims) => input.tile(dims);
    public static Tensor[] chunk(Tensor input, long chunks, long dim = 0) => input.chunk(chunks, dim);
    public static Tensor[] split(Tensor tensor, long[] split_size_or_sections, long dim = 0) => tensor.split(split_size_or_sections, dim);
    public static Tensor[] unbind(Tensor input, long dim = 0) => input.unbind(dim);
    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij") =>
        Dispatch.CallList("aten::meshgrid.indexing", tensors.ToArray(), indexing);
    public static Tensor reshape(Tensor input, params long[] shape) => input.reshape(shape);
    public static Tensor flatten(Tensor input, long start_dim = 0, long end_dim = -1) => input.flatten(start_dim, end_dim);
    public static Tensor flip(Tensor input, params long[] dims) => input.flip(dims);
    public static Tensor permute(Tensor input, params long[] permutation) => input.permute(permutation);
    public static Tensor squeeze(Tensor input, long? dim = null) => input.squeeze(dim);
    public static Tensor gather(Tensor input, long dim, Tensor index) => input.gather(dim, index);
    public static Tensor index_select(Tensor input, long dim, Tensor index) => input.index_select(dim, index);
    public static Tensor masked_select(Tensor input, Tensor mask) => input.masked_select(mask);
    public static Tensor broadcast_to(Tensor input, params long[] shape) => input.broadcast_to(shape);
    public static Tensor einsum(string equation, params Tensor[] tensors) => Dispatch.Call("aten::einsum", equation, tensors);
}
