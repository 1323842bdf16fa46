namespace Ard.Trainers.Tests.Objectives;

public sealed class KlDivergenceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(30)]
    public void Each_reduction_equals_the_sum_worked_by_hand(double temperature)
    {
        var (q, p) = Logits();
        var each = Enumerable.Range(0, 3).Select(row => ByHand(q, p, row, temperature)).ToArray();
        var (mean, classMean) = (each.Sum() / 3, each.Sum() / 12);
        foreach (var (reduction, expected) in new[] { (KlReduction.BatchMean, mean), (KlReduction.BatchAndClassMean, classMean) })
            Assert.Equal(expected, KlDivergence.Between(q, p, temperature, reduction).item<double>(), 1e-12);
        Assert.Equal(each.Sum(), KlDivergence.Sum(q / temperature, p / temperature).item<double>(), 1e-12);
        Compare.Close(tensor(each), KlDivergence.OfEach(q / temperature, p / temperature), 1e-12, "each point");
    }

    [Fact]
    public void It_is_0_for_equal_predictions_and_positive_otherwise()
    {
        var (q, p) = Logits();
        Assert.Equal(0, KlDivergence.Between(q, q + 3).item<double>(), 1e-14);
        Assert.True(KlDivergence.Between(q, p).item<double>() > 0.1);
        Assert.NotEqual(KlDivergence.Between(q, p).item<double>(), KlDivergence.Between(p, q).item<double>(), 1e-3);
    }

    [Fact]
    public void A_target_of_probability_0_adds_nothing()
    {
        var (q, p) = (tensor(new[] { 1.0, 2.0 }).reshape(1, 2), tensor(new[] { 0.0, -2000.0 }).reshape(1, 2));
        Assert.Equal(Math.Log(1 + Math.E), KlDivergence.Between(q, p).item<double>(), 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void The_gradients_of_both_sides_agree_with_finite_differences(double temperature)
    {
        var (q, p) = Logits();
        var (prediction, target) = (q.clone().requires_grad_(), p.clone().requires_grad_());
        KlDivergence.Between(prediction, target, temperature).backward();
        Compare.Close(Differences(q, x => KlDivergence.Between(x, p, temperature)), prediction.grad!, 1e-7, "prediction");
        Compare.Close(Differences(p, x => KlDivergence.Between(q, x, temperature)), target.grad!, 1e-7, "target");
        // Known in closed form: (softmax(q/T) - softmax(p/T)) / (T N).
        var difference = (q / temperature).softmax(1) - (p / temperature).softmax(1);
        Compare.Close(difference / (temperature * 3), prediction.grad!, 1e-12, "prediction");
    }

    private static Tensor Differences(Tensor point, Func<Tensor, Tensor> function)
    {
        const double Step = 1e-5;
        var result = zeros_like(point);
        for (var row = 0; row < point.shape[0]; row++)
        {
            for (var column = 0; column < point.shape[1]; column++)
            {
                var (up, down) = (point.clone(), point.clone());
                up[row, column] += Step;
                down[row, column] -= Step;
                result[row, column] = (function(up) - function(down)) / (2 * Step);
            }
        }
        return result;
    }

    private static double ByHand(Tensor q, Tensor p, int row, double temperature)
    {
        double[] Softmax(Tensor logits)
        {
            var powers = logits[row].data<double>().Select(logit => Math.Exp(logit / temperature)).ToArray();
            return [.. powers.Select(power => power / powers.Sum())];
        }
        return Softmax(p).Zip(Softmax(q), (target, prediction) => target * Math.Log(target / prediction)).Sum();
    }

    private static (Tensor Q, Tensor P) Logits()
    {
        using var generator = new Generator(12);
        return (Logits(), Logits());

        Tensor Logits() => empty([3, 4], dtype: ScalarType.Float64).normal_(0, 2, generator);
    }
}
