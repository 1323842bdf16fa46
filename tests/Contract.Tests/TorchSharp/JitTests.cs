using Ard.Trainers.Networks;
using System.IO.Compression;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Contract.Tests.Torch;

public sealed class JitTests : IDisposable
{
    // A TorchScript file (PyTorch 1.13, gzip, base64): y = x W^T + b with W = [1, 2], b = 3 as lin.weight and lin.bias; in training
    // mode the buffer shift = 10 is added.
    private const string Program =
        "H4sIAIcAA2sC/51VzW/UOBRPZ9qhhG+2fImL1VNGms3MlBOVWEBCSGhoKQXEIFRZnsRprKbJOHEGOCB1T9ty4IS0t93Tav+CFR//BRJXDlz4O3i2k2bG7cCK" +
        "SFbs997vPb/3frbXevXZBUt+n/PRxrtXl/+bhbkcJ2GQ1AvZiLZ9Iki7Y1no5tqE/eif6+48zOcPs+9a1s51EN6YxOx9/PLv1BhLYG7Yv/76x50/ZyxLjtOG" +
        "vTvcinZqHsYiASnG9orNrebvL53+HFhmIQsEn/GU0sW5YFFm45QOchb5WNA4S1I8WrJ5zXH6RyQALMkm5XUNsW9HCREPtNDms33YgdXhc/06/L1hzhu9GXGf" +
        "H+lZDkzk2PO8JIqoJ1gSZ/a91Kcp9W8xT9h8vrku1vnRviyVSAmLWbzJ7d3+eVhjluEgjyI8IN7WM5L6OEySLX5sVUWKWMyPVzm6Op04drcTP49o5oIBJal9" +
        "V//4CVWABiCfUbYZCn4yhATDeqgT6PJTYaNXg42fVhuHqdOrweZ3Q73HM33ZmgEjGT87gVziv4Q65YUq5RJ1LrR3w2Or+YCfh3HBnWzi+xM3334CH3JcGmui" +
        "l/i0XaU2fOFFJMvQirOicmsu2whhPCQp2aaCphnG6Bp6uqGkgzwI9kWLqtmLLSR1ao6W0UPVYhCUBQfZIEkiCT+05KC/N5TNI9FTaSidQXVB/MPyu0X5EfJp" +
        "gIIklU6dbBy50gItQs/LjTXRr78V02Wl2d/mNZS55UJpWLCv1KZ6X9IO/oUEd0HgwLrplvGft1Cz0OqiSISalZgOiHRKxPcd3G1pQ42iUUbH4nXMgJ0iYOeQ" +
        "iCkVeRqDjT1JhQ+jq97fQAM5ulOp0Fb/dhy3izK3izKXFNHl/j5PFvUBAFYsSjoX7DCYI0Xabpwx0v4nGbSaxPThiyEFGxbjgBKoA5XObjPJKxaLDYi7BOok" +
        "F1P1XZNJNAr+Pw0101g8zMVUthVJQ0vBtatXSqFyL8RyPt5OHVbHcpT/VuGopXBNo9vb7aOPy9v+3ES340yQWGT6Cm8a98XHvzYf1WAux6kx2AjaBsfzCkSZ" +
        "qS3Up79c5bcjLy7jHTOx5itWYTsH3jQTa75mFdY/8LaZWPNlq7BvDnnnTLR5pVboJ7XvXLCmG/M4jiUw+xOH03Rv9r9yv96YwgbThcmFysVe4wAz1npz8uWD" +
        "Xs5bFwHxTq2+AaTg3X3mCAAA";

    private readonly string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public JitTests()
    {
        using var packed = new GZipStream(new MemoryStream(Convert.FromBase64String(Program)), CompressionMode.Decompress);
        using var unpacked = File.Create(file);
        packed.CopyTo(unpacked);
    }

    public void Dispose() => File.Delete(file);

    [Fact]
    public void A_program_is_loaded_called_and_switched_to_evaluation()
    {
        using var program = jit.load<Tensor, Tensor>(file);
        Assert.True(program.training);
        Assert.Equal(16, program.call(ones(1, 2)).item<float>());
        program.eval();
        Assert.False(program.training);
        Assert.Equal(6, program.forward(ones(1, 2)).item<float>());
        Assert.Equal(6, program.invoke<Tensor>("forward", ones(1, 2)).item<float>());
        Assert.Equal(["lin.weight", "lin.bias"], program.named_parameters().Select(pair => pair.name));
        Assert.Equal(["shift"], program.named_buffers().Select(pair => pair.name));
    }

    [Fact]
    public void Its_parameters_are_those_of_the_program_and_have_gradients()
    {
        using var program = jit.load<Tensor, Tensor>(file);
        program.eval();
        var weight = program.parameters().First();
        using (no_grad()) weight.fill_(5);
        program.call(ones(1, 2)).sum().backward();
        Assert.Equal(13, program.call(ones(1, 2)).item<float>());
        Assert.Equal([1f, 1f], weight.grad!.data<float>().ToArray());
        var input = ones([1, 2], requires_grad: true);
        Assert.Equal([5f, 5f], autograd.grad([program.call(input).sum()], [input])[0].data<float>().ToArray());
    }

    [Fact]
    public void It_moves_to_another_type()
    {
        using var program = jit.load<Tensor, Tensor>(file);
        program.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, program.call(ones(1, 2, ScalarType.Float64)).dtype);
        Assert.Equal(ScalarType.Float64, program.parameters().First().dtype);
    }

    [Fact]
    public void A_file_that_is_missing_or_no_program_is_refused()
    {
        Assert.Throws<FileNotFoundException>(() => jit.load<Tensor, Tensor>(file + ".none"));
        File.WriteAllText(file, "no program");
        Assert.Throws<ExternalException>(() => jit.load<Tensor, Tensor>(file));
    }

    [Fact]
    public void Functions_are_compiled_from_source_and_have_gradients()
    {
        using var scope = NewDisposeScope();
        using var unit = jit.compile("def scaled(x, factor: float):\n    return x * factor\ndef twice(x):\n    return x + x\n");
        var x = ones([3], requires_grad: true);
        Assert.Equal([4f, 4f, 4f], unit.invoke<Tensor>("scaled", x, 4.0).data<float>().ToArray());
        Assert.Equal([2f, 2f, 2f], autograd.grad([unit.invoke<Tensor>("twice", x).sum()], [x])[0].data<float>().ToArray());
        Assert.Throws<ExternalException>(() => jit.compile("def broken(x):"));
    }

    [OneDnnFact]
    public void Tensors_in_oneDNNs_layout_are_convolved_normalised_added_and_rectified_and_have_gradients()
    {
        using var scope = NewDisposeScope();
        using var unit = jit.compile("def to_blocked(x):\n    return x.to_mkldnn()\ndef to_dense(x):\n    return x.to_dense()\n");
        using var convolution = nn.Conv2d(3, 20, 3, padding: 1L);
        using var norm = nn.BatchNorm2d(20);
        // Channels well above and well below zero, so that rounding decides nothing.
        using (no_grad()) norm.bias!.copy_((arange(20) % 2 * 20 - 10).to(ScalarType.Float32));
        var (images, weights) = (rand(4, 3, 8, 8), randn(4, 20, 8, 8));
        var (expected, expectedGradient) = Pass(x => x, x => x);
        var (found, gradient) = Pass(x => unit.invoke<Tensor>("to_blocked", x), x => unit.invoke<Tensor>("to_dense", x));
        Assert.True(found.allclose(expected, rtol: 1e-4, atol: 1e-5));
        Assert.True(gradient.allclose(expectedGradient, rtol: 1e-3, atol: 1e-4));

        (Tensor, Tensor) Pass(Func<Tensor, Tensor> enter, Func<Tensor, Tensor> leave)
        {
            var leaf = images.detach().requires_grad_();
            var first = norm.call(convolution.call(enter(leaf))).relu_();
            var output = leave(norm.call(convolution.call(enter(leaf))).add_(first).relu_());
            return (output, autograd.grad([(output * weights).sum()], [leaf])[0]);
        }
    }

    private sealed class OneDnnFactAttribute : FactAttribute
    {
        // The product asks the same before it uses this layout.
        public OneDnnFactAttribute() => Skip = OneDnn.LayoutFault;
    }
}
