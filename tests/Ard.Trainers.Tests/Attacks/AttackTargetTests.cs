namespace Ard.Trainers.Tests.Attacks;

public sealed class AttackTargetTests
{
    [Fact]
    public void Passes_are_counted_for_each_image_whichever_are_sent()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var passes = new PassCounter(3);
        var target = Target(passes);
        target.Logits(zeros([3, 4]));
        target.Logits(zeros([6, 4]));
        target.Logits(zeros([2, 4]), tensor(new[] { 2L, 0 }));
        using (enable_grad()) target.Logits(zeros([2, 4]).requires_grad_(), tensor(new[] { 2L, 2 }));
        using (enable_grad())
        {
            var (leaf, row) = (zeros([1, 4]).requires_grad_(), tensor(new[] { 1L }));
            Assert.Equal(3, target.Gradients(target.Logits(leaf, row).narrow(1, 0, 3), leaf, row).Count());
        }
        Assert.Equal([4, 4, 6], passes.Each()!.Value.Forward);
        Assert.Equal([0, 3, 2], passes.Each()!.Value.Backward);
    }

    [Fact]
    public void Where_a_call_does_not_say_whose_points_it_sends_no_image_s_passes_are_known()
    {
        using var scope = NewDisposeScope();
        using var passes = new PassCounter(3);
        Target(passes).Logits(zeros([2, 4]));
        Assert.Null(passes.Each());
    }

    private static AttackTarget Target(PassCounter passes) =>
        new(LinearNetwork.Random(4, 3, seed: 1), "test", zeros([3, 4]), largestLabel: 2, passes);
}
