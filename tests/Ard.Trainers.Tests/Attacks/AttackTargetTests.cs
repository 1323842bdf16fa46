using Ard.Trainers.Attacks;
using Ard.Trainers.Tests.Fixtures;
using static TorchSharp.torch;

namespace Ard.Trainers.Tests.Attacks;

public sealed class AttackTargetTests
{
    [Fact]
    public void Passes_are_counted_for_each_image_whichever_are_sent()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var target = Target();
        target.Logits(zeros([3, 4]));
        target.Logits(zeros([6, 4]));
        target.Logits(zeros([2, 4]), tensor(new[] { 2L, 0 }));
        using (enable_grad()) target.Logits(zeros([2, 4]).requires_grad_(), tensor(new[] { 2L, 2 }));
        target.CountBackward(1, tensor(new[] { 1L }));
        Assert.Equal([4, 3, 6], target.Passes!.Value.Forward);
        Assert.Equal([0, 1, 2], target.Passes!.Value.Backward);
        Assert.Equal((13, 3), (target.ForwardPoints, target.BackwardPoints));
    }

    [Fact]
    public void The_passes_of_a_part_are_added_to_the_rows_that_it_attacked()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var whole = Target();
        var part = whole.For("part", 2);
        part.Logits(zeros([2, 4]));
        using (enable_grad()) part.Logits(zeros([1, 4]).requires_grad_(), tensor(new[] { 1L }));
        whole.Add(part, tensor(new[] { 2L, 0 }));
        Assert.Equal([2, 0, 1], whole.Passes!.Value.Forward);
        Assert.Equal([1, 0, 0], whole.Passes!.Value.Backward);
    }

    [Fact]
    public void Where_a_call_does_not_say_whose_points_it_sends_only_the_sum_is_known()
    {
        using var scope = NewDisposeScope();
        var (whole, part) = (Target(), Target());
        part.Logits(zeros([2, 4]));
        Assert.Null(part.Passes);
        Assert.Equal(2, part.ForwardPoints);
        whole.Add(part, arange(3, dtype: ScalarType.Int64));
        Assert.Null(whole.Passes);
    }

    private static AttackTarget Target() => new(LinearNetwork.Random(4, 3, seed: 1), 2, "test", 3, CPU);
}
