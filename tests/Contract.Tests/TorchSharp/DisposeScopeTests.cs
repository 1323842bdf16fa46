using TorchSharp;
using static TorchSharp.torch;

namespace Contract.Tests.Torch;

public class DisposeScopeTests
{
    [Fact]
    public void A_scope_disposes_what_was_made_in_it()
    {
        Tensor inside, outside = zeros(1);
        using (var scope = NewDisposeScope())
        {
            inside = zeros(1);
            Assert.True(scope.Contains(inside));
            Assert.Equal(1, scope.DisposablesCount);
        }
        Assert.True(inside.IsInvalid);
        Assert.False(outside.IsInvalid);
    }

    [Fact]
    public void Tensors_move_to_the_outer_scope_or_out_of_all()
    {
        using var outer = NewDisposeScope();
        Tensor moved, detached;
        using (NewDisposeScope())
        {
            moved = zeros(1).MoveToOuterDisposeScope();
            detached = zeros(1).DetachFromDisposeScope();
        }
        Assert.False(moved.IsInvalid);
        Assert.True(outer.Contains(moved));
        Assert.False(detached.IsInvalid);
        Assert.False(outer.Contains(detached));
        detached.Dispose();
    }

    [Fact]
    public void A_tensor_without_an_outer_scope_survives_the_move()
    {
        Tensor moved;
        using (NewDisposeScope()) moved = zeros(1).MoveToOuterDisposeScope();
        Assert.False(moved.IsInvalid);
        moved.Dispose();
    }

    [Fact]
    public void Scopes_can_keep_some_and_dispose_the_rest()
    {
        using var scope = NewDisposeScope();
        var kept = zeros(1);
        var dropped = zeros(1);
        scope.DisposeEverythingBut(kept);
        Assert.False(kept.IsInvalid);
        Assert.True(dropped.IsInvalid);
    }

    [Fact]
    public void Statistics_count_what_went_through_this_thread()
    {
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();
        using (NewDisposeScope())
        {
            var a = zeros(1);
            a.DetachFromDisposeScope().Dispose();
            zeros(1);
        }
        zeros(1).Dispose();
        Assert.Equal(2, statistics.CreatedInScopeCount);
        Assert.Equal(1, statistics.CreatedOutsideScopeCount);
        Assert.Equal(1, statistics.DetachedFromScopeCount);
        Assert.Equal(1, statistics.DisposedInScopeCount);
        Assert.Equal(2, statistics.DisposedOutsideScopeCount);
        Assert.Equal(0, statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Scopes_belong_to_a_thread()
    {
        using var scope = NewDisposeScope();
        Tensor? made = null;
        var thread = new Thread(() => made = zeros(1));
        thread.Start();
        thread.Join();
        Assert.False(scope.Contains(made!));
        made!.Dispose();
    }
}
