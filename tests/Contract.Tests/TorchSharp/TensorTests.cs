using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Contract.Tests.Torch;

[Collection(nameof(GlobalRandomState))]
public class TensorTests
{
    private static float[] Floats(Tensor tensor) => tensor.to(ScalarType.Float32).data<float>().ToArray();

    [Fact]
    public void Arrays_become_tensors_of_their_type_and_shape()
    {
        Assert.Equal(ScalarType.Float32, tensor(new[] { 1f, 2f }).dtype);
        Assert.Equal(ScalarType.Int64, tensor(new[] { 1L, 2L }).dtype);
        Assert.Equal(ScalarType.Float64, tensor(new[] { 1.0 }).dtype);
        Assert.Equal(ScalarType.Bool, tensor(new[] { true }).dtype);
        Assert.Equal([2, 3], tensor(new[,] { { 1f, 2f, 3f }, { 4f, 5f, 6f } }).shape);
        Assert.Equal([2, 2], tensor(new[] { 1f, 2f, 3f, 4f }, [2, 2]).shape);
        Assert.Equal(ScalarType.Float64, tensor(new[] { 1f }, dtype: ScalarType.Float64).dtype);
        Assert.Equal([], tensor(3f).shape);
    }

    [Fact]
    public void Factories_take_sizes_types_and_generators()
    {
        Assert.Equal([0f, 0f], Floats(zeros(2)));
        Assert.Equal([7f, 7f], Floats(full([2], 7)));
        Assert.Equal(ScalarType.Int64, arange(5).dtype);
        Assert.Equal([1f, 3f], Floats(arange(1, 5, 2)));
        Assert.Equal([0f, 0.5f, 1f], Floats(linspace(0, 1, 3)));
        using var one = new Generator(3);
        using var other = new Generator(3);
        Assert.Equal(Floats(rand([5], generator: one)), Floats(rand([5], generator: other)));
        Assert.Equal(Floats(randn(2, 2, generator: one)), Floats(randn(2, 2, generator: other)));
        Assert.Equal(Floats(randperm(9, generator: one)), Floats(randperm(9, generator: other)));
        Assert.Equal(Floats(randint(0, 9, [4], generator: one)), Floats(randint(0, 9, [4], generator: other)));
        Assert.Equal(Floats(zeros(3).uniform_(-1, 1, one)), Floats(zeros(3).uniform_(-1, 1, other)));
        Assert.Equal(Floats(empty(3).normal_(0, 1, one)), Floats(empty(3).normal_(0, 1, other)));
    }

    [Fact]
    public void The_first_numbers_of_a_seed_are_libtorchs()
    {
        // torch.Generator().manual_seed(5); torch.rand(3) in PyTorch.
        using var generator = new Generator(5);
        Assert.Equal(0.83025f, Floats(rand([3], generator: generator))[0], 1e-4f);
    }

    [Fact]
    public void A_generators_state_can_be_kept_and_put_back()
    {
        using var generator = new Generator(9);
        using var state = generator.get_state();
        var first = Floats(randn([7], generator: generator));
        generator.set_state(state);
        Assert.Equal(first, Floats(randn([7], generator: generator)));
        Assert.Equal(ScalarType.Byte, state.dtype);
    }

    [Fact]
    public void The_global_random_state_can_be_kept_and_put_back()
    {
        manual_seed(4);
        using var state = get_rng_state();
        var first = Floats(rand(3));
        set_rng_state(state);
        Assert.Equal(first, Floats(rand(3)));
    }

    [Fact]
    public void Arithmetic_and_comparisons_with_numbers_on_either_side()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1f, 2f, 4f });
        Assert.Equal([2f, 4f, 8f], Floats(x * 2));
        Assert.Equal([2f, 4f, 8f], Floats(2 * x));
        Assert.Equal([0f, -1f, -3f], Floats(1 - x));
        Assert.Equal([4f, 2f, 1f], Floats(4 / x));
        Assert.Equal([0.5f, 1f, 2f], Floats(x / 2.0));
        Assert.Equal([-1f, -2f, -4f], Floats(-x));
        Assert.Equal([0f, 1f, 1f], Floats(x > 1.5));
        Assert.Equal([1f, 4f, 16f], Floats(x.pow(2)));
        Assert.Equal([2f, 2f, 3f], Floats(x.clamp(2, 3)));
        Assert.Equal([21f, 42f, 84f], Floats(x.add(x, 20)));
        Assert.Equal([1f, 2f, 0f], Floats(x.masked_fill(x > 3, 0)));
    }

    [Fact]
    public void In_place_operators_return_the_tensor_itself_but_for_zero()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1f, 2f });
        var before = Tensor.TotalCount;
        Assert.Same(x, x.mul_(x));
        Assert.Same(x, x.clamp_(0, 5));
        Assert.Same(x, x.fill_(2));
        Assert.Same(x, x.requires_grad_());
        Assert.Equal(before, Tensor.TotalCount);
        var y = tensor(new[] { 1f, 2f });
        Assert.Equal([2f, 3f], Floats(y.add_(1)));
        Assert.Same(y, y.add_(1));
        Assert.NotSame(y, y.zero_());
        Assert.Equal([0f, 0f], Floats(y));
    }

    [Fact]
    public void Reductions_and_their_dimensions()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[,] { { 1f, 5f, 3f }, { 9f, 2f, 4f } });
        Assert.Equal(24f, x.sum().item<float>());
        Assert.Equal([9f, 15f], Floats(x.sum(1)));
        Assert.Equal([3f, 5f], Floats(x.mean([1])));
        Assert.Equal([5f, 9f], Floats(x.max(1).values));
        Assert.Equal([1f, 0f], Floats(x.max(1).indexes));
        Assert.Equal([5f, 9f], Floats(x.amax([1])));
        Assert.Equal([1f, 0f], Floats(x.argmax(1)));
        Assert.Equal([1, 2, 0], x.argsort(1, descending: true)[0].data<long>().ToArray());
        Assert.Equal([5f, 3f], Floats(x.topk(2, 1).values[0]));
        Assert.True(x.any().item<bool>());
        Assert.Equal(24f, x.sum([0, 1]).ToSingle());
    }

    [Fact]
    public void Indexing_by_numbers_slices_masks_and_index_tensors()
    {
        using var scope = NewDisposeScope();
        var x = arange(12).reshape(3, 4);
        Assert.Equal(6, x[1, 2].item<long>());
        Assert.Equal([4, 5, 6, 7], x[1].data<long>().ToArray());
        Assert.Equal([1, 5, 9], x[TensorIndex.Colon, 1].data<long>().ToArray());
        Assert.Equal([2, 2], x[TensorIndex.Slice(1, 3), TensorIndex.Slice(0, 4, 2)].shape);
        Assert.Equal([3, 1, 4], x[TensorIndex.Colon, TensorIndex.None].shape);
        Assert.Equal([2, 6, 10], x[TensorIndex.Ellipsis, 2].data<long>().ToArray());
        Assert.Equal([10, 11], x[x > 9].data<long>().ToArray());
        Assert.Equal([2, 4], x[tensor(new[] { 0L, 2L })].shape);
        Assert.Equal([3, 10], x[tensor(new[] { 0L, 2L }), tensor(new[] { 3L, 2L })].data<long>().ToArray());
        Assert.Equal([8, 0], x.index_select(0, tensor(new[] { 2L, 0L })).select(1, 0).data<long>().ToArray());

        x[0, 0] = tensor(50L);
        x[TensorIndex.Slice(1, 3), TensorIndex.Single(3)] = tensor(new[] { 60L, 70L });
        Assert.Equal(50, x[0, 0].item<long>());
        Assert.Equal(70, x[2, 3].item<long>());
        x.index_put_(tensor(-1L), x > 9);
        Assert.Equal(-1, x.max().item<long>() - 10);
    }

    [Fact]
    public void Views_share_memory_and_data_reads_through_strides()
    {
        using var scope = NewDisposeScope();
        var x = arange(6).reshape(2, 3);
        var turned = x.transpose(0, 1);
        Assert.False(turned.is_contiguous());
        Assert.Equal([0, 3, 1, 4, 2, 5], turned.data<long>().ToArray());
        turned[0, 0] = tensor(9L);
        Assert.Equal(9, x[0, 0].item<long>());
        Assert.Equal([3, 1], x.stride());
        Assert.Equal([1, 3], turned.stride());
        Assert.Equal([2, 3], x.flatten().unflatten(0, 2, 3).shape);
        Assert.Equal([1, 2, 3, 1], x.unsqueeze(0).unsqueeze(-1).shape);
    }

    [Fact]
    public void Joining_and_splitting()
    {
        using var scope = NewDisposeScope();
        var x = arange(3);
        Assert.Equal([6], cat([x, x], 0).shape);
        Assert.Equal([2, 3], stack([x, x]).shape);
        Assert.Equal(2, arange(4).chunk(2).Length);
        Assert.Equal([3], arange(4).split([1, 3])[1].shape);
        Assert.Equal(3, x.unbind().Length);
        Assert.Equal([2, 1, 0], x.flip(0).data<long>().ToArray());
        Assert.Equal([2, 0, 1], x.roll(1, 0).data<long>().ToArray());
        Assert.Equal(
            [4, 6], where(tensor(new[] { true, false }), tensor(new[] { 4L, 5L }), tensor(new[] { 7L, 6L })).data<long>().ToArray());
    }

    [Fact]
    public void Bytes_are_the_tensors_memory()
    {
        using var scope = NewDisposeScope();
        var x = zeros(2);
        MemoryMarshal.Cast<byte, float>(x.bytes)[1] = 3;
        Assert.Equal([0f, 3f], Floats(x));
        x.bytes = MemoryMarshal.AsBytes(new[] { 5f, 6f }.AsSpan());
        Assert.Equal([5f, 6f], Floats(x));
        Assert.Equal(2, tensor(new byte[] { 1, 2 }).bytes.Length);
    }

    [Fact]
    public void Casts_and_moves()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new byte[] { 0, 255 });
        Assert.Equal([0f, 1f], Floats(x.to(ScalarType.Float32) / 255));
        Assert.Equal(ScalarType.BFloat16, x.to(ScalarType.BFloat16).dtype);
        Assert.Equal(ScalarType.Float64, x.to(ScalarType.Float64, CPU).dtype);
        Assert.Equal(DeviceType.CPU, x.device_type);
        Assert.Equal("cpu", x.device.ToString());
        var moved = x.to(ScalarType.Int32, disposeAfter: true);
        Assert.True(x.IsInvalid);
        Assert.Equal(ScalarType.Int32, moved.dtype);
    }

    [Fact]
    public void Gradients_of_leaves_and_of_inputs()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1f, 2f }).requires_grad_();
        var w = tensor(new[] { 3f, 4f }).requires_grad_();
        (x * w).sum().backward();
        Assert.Equal([3f, 4f], Floats(x.grad!));
        Assert.Equal([1f, 2f], Floats(w.grad!));
        var inputOnly = autograd.grad([(x * w).pow(2).sum()], [x])[0];
        Assert.Equal([18f, 64f], Floats(inputOnly));
        Assert.Equal([1f, 2f], Floats(w.grad!));
        Assert.False(x.detach().requires_grad);
        using (no_grad())
        {
            Assert.False((x * 2).requires_grad);
            using (enable_grad()) Assert.True((x * 2).requires_grad);
        }
        Assert.True((x * 2).requires_grad);
        using (inference_mode()) Assert.True(is_inference_mode_enabled());
        x.grad = null;
        Assert.Null(x.grad);
    }

    [Fact]
    public void Second_derivatives()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 2f }).requires_grad_();
        var first = autograd.grad([x.pow(3).sum()], [x], create_graph: true)[0];
        var second = autograd.grad([first.sum()], [x])[0];
        Assert.Equal(12f, second.item<float>());
    }

    [Fact]
    public void Errors_of_libtorch_arrive_with_their_message()
    {
        var fault = Assert.Throws<ExternalException>(() => zeros(2, 3).mm(zeros(2, 3)));
        Assert.Contains("cannot be multiplied", fault.Message);
    }

    [Fact]
    public void A_disposed_tensor_refuses_to_be_used()
    {
        var x = zeros(1);
        x.Dispose();
        Assert.Throws<InvalidOperationException>(() => x.add(1));
    }

    [Fact]
    public void Reading_a_number_checks_count_and_type()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => zeros(2).item<float>());
        Assert.Throws<ArgumentException>(() => zeros(1).item<double>());
        Assert.Throws<ArgumentException>(() => zeros(1).data<double>());
        Assert.Throws<InvalidOperationException>(() => zeros(2, 2).transpose(0, 1).bytes.Length);
        Assert.Throws<ArgumentException>(() => tensor(new[] { 1f, 2f, 3f }, [2, 2]));
        Assert.Throws<ExternalException>(() => zeros(1).requires_grad_().add_(1));
        Assert.Throws<ArgumentException>(() => new Device("foo"));
    }

    [Fact]
    public void Devices_have_a_type_and_an_index()
    {
        Assert.Equal((DeviceType.CUDA, 1), (new Device("cuda:1").type, new Device("cuda:1").index));
        Assert.Equal(-1, new Device("cuda").index);
        Assert.Equal("cuda:1", new Device("cuda:1").ToString());
        Assert.Equal(cuda.is_available(), cuda.device_count() > 0);
        if (!cuda.is_available()) Assert.Throws<InvalidOperationException>(() => zeros(1).cuda());
    }
}
