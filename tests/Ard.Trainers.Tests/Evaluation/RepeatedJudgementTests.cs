namespace Ard.Trainers.Tests.Evaluation;

[Collection("global random state")]
public sealed class RepeatedJudgementTests
{
    [Fact]
    public void What_the_network_draws_is_decided_by_the_seed_and_the_random_state_is_left_alone()
    {
        using var scope = NewDisposeScope();
        var network = new FunctionNetwork(x => cat([rand_like(x), rand_like(x)], 1));
        IReadOnlyList<double> Shares(long seed) =>
            RepeatedJudgement.Evaluate(network, zeros([20, 1]), zeros([20], dtype: ScalarType.Int64), passes: 4, seed).Shares;
        var (first, before) = (Shares(7), get_rng_state());
        Assert.Equal(first, Shares(7));
        Assert.NotEqual(first, Shares(8));
        Compare.Same(before, get_rng_state(), "global random state");
    }

    [Fact]
    public void Shares_accuracies_mean_and_interval_are_those_of_the_passes()
    {
        using var scope = NewDisposeScope();
        // The value of an image, a quarter of a whole number, says in how many of four passes the network is right.
        var calls = 0;
        var network = new FunctionNetwork(x => stack([x.select(1, 0) - (calls++ % 4 + 0.5) / 4, zeros([x.shape[0]])], 1));
        var points = tensor(new[] { 0f, 0.25f, 0.5f, 1f, 1f }).reshape(5, 1);
        var judged = RepeatedJudgement.Evaluate(network, points, zeros([5], dtype: ScalarType.Int64), passes: 8);
        Assert.Equal(8, calls);
        Assert.Equal([0, 0.25, 0.5, 1, 1], judged.Shares);
        Assert.All(judged.Accuracies.Zip([0.8, 0.6, 0.4, 0.4, 0.8, 0.6, 0.4, 0.4]), pair => Assert.Equal(pair.Second, pair.First, 1e-12));
        Assert.Equal(0.55, judged.Mean, 1e-12);
        // Squares of the differences from 0.55: 0.3025, 0.09, 0.0025, 0.2025 twice; over 4 and 5, its root 0.2.
        Assert.Equal(0.55 - 1.96 * 0.2, judged.Interval.Low, 1e-9);
        Assert.Equal(0.55 + 1.96 * 0.2, judged.Interval.High, 1e-9);
        Assert.True(double.IsNaN(RepeatedJudgement.Evaluate(network, points[..0], zeros([0], dtype: ScalarType.Int64)).Mean));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => RepeatedJudgement.Evaluate(network, points, zeros([5], dtype: ScalarType.Int64), 0));
    }

    [Fact]
    public void A_point_that_is_always_right_has_the_share_1_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var judged = RepeatedJudgement.Evaluate(
            new FunctionNetwork(x => cat([x + 1, x], 1)), zeros([49, 1]), zeros([49], dtype: ScalarType.Int64));
        Assert.All(judged.Shares, share => Assert.Equal(1.0, share));
        Assert.All(judged.Accuracies, accuracy => Assert.Equal(1.0, accuracy));
    }
}
