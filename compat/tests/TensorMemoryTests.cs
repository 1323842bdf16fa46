using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Compat.Tests;

public sealed class TensorMemoryTests
{
    [Fact]
    public void A_freed_tensors_memory_fits_the_next_of_its_size_whatever_small_objects_lie_between()
    {
        using var scope = NewDisposeScope();
        var small = new List<Tensor>();
        HashSet<nint> Places()
        {
            var large = new List<Tensor>();
            for (var i = 0; i < 64; i++)
            {
                large.Add(empty(1 << 18));
                for (var j = 0; j < 16; j++) small.Add(ones(4));
            }
            var places = large.Select(tensor => Address(tensor)).ToHashSet();
            foreach (var tensor in large) tensor.Dispose();
            return places;
        }
        var first = Places();
        Assert.All(first, place => Assert.Equal(0, place % 64));
        // Not all: other tests take memory meanwhile.
        Assert.InRange(Places().Count(first.Contains), 48, 64);
    }

    [Fact]
    public void More_memory_than_there_is_is_refused_and_none_is_no_error()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(0, empty(0).numel());
        var error = Assert.ThrowsAny<ExternalException>(() => empty(1L << 60));
        Assert.Contains("not enough memory: you tried to allocate 4611686018427387904 bytes", error.Message);
    }

    private static unsafe nint Address(Tensor tensor) => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref tensor.bytes[0]);
}
