using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Sums, means, extremes, norms, sorting and counting.</summary>
    public partial class Tensor
    {
        public Tensor sum(ScalarType? type = null) => Dispatch.Call("aten::sum", this, type);
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => sum([dim], keepdim, type);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) =>
            Dispatch.Call("aten::sum.dim_IntList", this, dim, keepdim, type);
        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => sum(dim.ToArray(), keepdim, type);
        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1], keepdim, type);
        public Tensor sum(long dim0, long dim1, long dim2, bool keepdim = false, ScalarType? type = null) =>
            sum([dim0, dim1, dim2], keepdim, type);
        public Tensor mean() => Dispatch.Call("aten::mean", this);
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) =>
            Dispatch.Call("aten::mean.dim", this, dimensions, keepdim, type);
        public Tensor prod(ScalarType? type = null) => Dispatch.Call("aten::prod", this, type);
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) =>
            Dispatch.Call("aten::prod.dim_int", this, dim, keepdim, type);

        public Tensor var(bool unbiased = true) => Dispatch.Call("aten::var", this, unbiased);
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            var([dim], unbiased, keepdim, type);
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Dispatch.Call("aten::var.dim", this, dimensions, unbiased, keepdim);
        public Tensor std(bool unbiased = true) => Dispatch.Call("aten::std", this, unbiased);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            std([dim], unbiased, keepdim, type);
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Dispatch.Call("aten::std.dim", this, dimensions, unbiased, keepdim);

        public Tensor max() => Dispatch.Call("aten::max", this);
        public Tensor min() => Dispatch.Call("aten::min", this);
        public Tensor max(Tensor other) => Dispatch.Call("aten::maximum", this, other);
        public Tensor min(Tensor other) => Dispatch.Call("aten::minimum", this, other);
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Dispatch.Call2("aten::max.dim", this, dim, keepdim);
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => Dispatch.Call2("aten::min.dim", this, dim, keepdim);
        public Tensor amax(params long[] dims) => amax(dims, false);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor @out = null) => Dispatch.Call("aten::amax", this, dims, keepdim);
        public Tensor amin(params long[] dims) => amin(dims, false);
        public Tensor amin(long[] dims, bool keepdim = false, Tensor @out = null) => Dispatch.Call("aten::amin", this, dims, keepdim);
        public Tensor argmax() => Dispatch.Call("aten::argmax", this);
        public Tensor argmax(long dim, bool keepdim = false) => Dispatch.Call("aten::argmax", this, dim, keepdim);
        public Tensor argmin() => Dispatch.Call("aten::argmin", this);
        public Tensor argmin(long dim, bool keepdim = false) => Dispatch.Call("aten::argmin", this, dim, keepdim);
        public Tensor all() => Dispatch.Call("aten::all", this);
        public Tensor all(long dim, bool keepdim = false) => Dispatch.Call("aten::all.dim", this, dim, keepdim);
        public Tensor any() => Dispatch.Call("aten::any", this);
        public Tensor any(long dim, bool keepdim = false) => Dispatch.Call("aten::any.dim", this, dim, keepdim);
        public Tensor median() => Dispatch.Call("aten::median", this);
        public Tensor logsumexp(long dim, bool keepdim = false) => Dispatch.Call("aten::logsumexp", this, new long[] { dim }, keepdim);
        public Tensor cumsum(long dim, ScalarType? type = null) => Dispatch.Call("aten::cumsum", this, dim, type);
        public Tensor cumprod(long dim, ScalarType? type = null) => Dispatch.Call("aten::cumprod", this, dim, type);
        public Tensor norm(float p = 2) => Dispatch.Call("aten::norm.Scalar", this, (double)p);
        public Tensor norm(int dim, bool keepdim = false, float p = 2) =>
            Dispatch.Call("aten::norm.ScalarOpt_dim", this, (double)p, new long[] { dim }, keepdim);
        public Tensor count_nonzero(long[] dims = null) =>
            dims is null ? Dispatch.Call("aten::count_nonzero", this) : Dispatch.Call("aten::count_nonzero.dim_IntList", this, dims);
        public Tensor bincount(Tensor weights, long minlength = 0) => Dispatch.Call("aten::bincount", this, weights, minlength);
        public Tensor quantile(Tensor q, long dim = -1, bool keepdim = false) => Dispatch.Call("aten::quantile", this, q, dim, keepdim);
        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) =>
            Dispatch.Call2("aten::topk", this, k, dim, largest, sorted);
        public (Tensor values, Tensor indices) kthvalue(long k, long? dim, bool keepdim = false) =>
            Dispatch.Call2("aten::kthvalue", this, k, dim ?? -1, keepdim);

        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) =>
            Dispatch.Call2("aten::sort.stable", this, stable, dim, descending);

        public Tensor argsort(long dim = -1, bool descending = false) => Dispatch.Call("aten::argsort", this, dim, descending);
        public Tensor isclose(Tensor other, double rtol = 1E-05, double atol = 1E-08, bool nanEqual = false) =>
            Dispatch.Call("aten::isclose", this, other, rtol, atol, nanEqual);
        public bool allclose(Tensor target, double rtol = 1E-05, double atol = 1E-08, bool equal_nan = false) =>
            Dispatch.CallBool("aten::allclose", this, target, rtol, atol, equal_nan);
        public Tensor equal(Tensor target) => eq(target);

        public (Tensor output, Tensor inverse_indices, Tensor counts) unique(bool sorted = true, bool return_inverse = false,
        bool return_counts = false, int? dim = null) =>
            dim is { } d
                ? Dispatch.Call3("aten::unique_dim", this, d, sorted, return_inverse, return_counts)
                : Dispatch.Call3("aten::_unique2", this, sorted, return_inverse, return_counts);
    }

    public static Tensor sum(Tensor input, ScalarType? type = null) => input.sum(type);
    public static Tensor sum(Tensor input, long dim, bool keepdim = false, ScalarType? type = null) => input.sum(dim, keepdim, type);
    public static Tensor sum(Tensor input, ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) =>
        input.sum(dim, keepdim, type);
    public static Tensor mean(Tensor input) => input.mean();
    public static Tensor mean(Tensor input, long[] dimensions, bool keepdim = false, ScalarType? type = null) =>
        input.mean(dimensions, keepdim, type);
    public static Tensor max(Tensor input) => input.max();
    public static Tensor min(Tensor input) => input.min();
    public static Tensor max(Tensor input, Tensor other) => input.max(other);
    public static Tensor min(Tensor input, Tensor other) => input.min(other);
    public static (Tensor values, Tensor indexes) max(Tensor input, long dim, bool keepdim = false) => input.max(dim, keepdim);
    public static (Tensor values, Tensor indexes) min(Tensor input, long dim, bool keepdim = false) => input.min(dim, keepdim);
    public static Tensor amax(Tensor input, long[] dims) => input.amax(dims);
    public static Tensor amax(Tensor input, long[] dims, bool keepdim = false, Tensor @out = null) => input.amax(dims, keepdim);
    public static Tensor amin(Tensor input, long[] dims, bool keepdim = false, Tensor @out = null) => input.amin(dims, keepdim);
    public static Tensor argmax(Tensor input) => input.argmax();
    public static Tensor argmax(Tensor input, long dim, bool keepdim = false) => input.argmax(dim, keepdim);
    public static Tensor all(Tensor input) => input.all();
    public static Tensor any(Tensor input) => input.any();
    public static Tensor logsumexp(Tensor input, long dim, bool keepdim = false) => input.logsumexp(dim, keepdim);
    public static Tensor norm(Tensor input, float p = 2) => input.norm(p);
    public static (Tensor values, Tensor indices) topk(Tensor tensor, int k, int dim = -1, bool largest = true, bool sorted = true) =>
        tensor.topk(k, dim, largest, sorted);
    public static (Tensor values, Tensor indices) sort(Tensor input, long dim = -1, bool descending = false, bool stable = false) =>
        input.sort(dim, descending, stable);
    public static bool allclose(Tensor tensor, Tensor target, double rtol = 1E-05, double atol = 1E-08, bool equal_nan = false) =>
        tensor.allclose(target, rtol, atol, equal_nan);
}
