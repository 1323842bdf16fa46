namespace Ard.Trainers.Tests.Objectives;

public sealed class MartTests
{
    [Fact]
    public void The_loss_is_the_formula_written_out_number_by_number()
    {
        using var scope = NewDisposeScope();
        // A student whose logits are six times the image.
        var student = new FunctionNetwork(x => x * 6);
        var (images, points, labels) = (Small.Images(5, 1, 4), Small.Images(5, 2, 4), Small.Labels(5));
        var batch = Small.Batch(student, images, labels);
        batch.Adversarial = points;
        var loss = new Mart(new() { Lambda = 2.5 }).Loss(batch).item<double>();

        double expected = 0;
        for (var n = 0; n < 5; n++)
        {
            var (p, q) = (Probabilities(points, n), Probabilities(images, n));
            var y = n % 4;
            var wrong = Enumerable.Range(0, 4).Where(k => k != y).Max(k => p[k]);
            expected += -Math.Log(p[y]) - Math.Log(1.0001 - wrong);
            expected += 2.5 * Enumerable.Range(0, 4).Sum(k => q[k] * Math.Log(q[k] / p[k])) * (1 - q[y]);
        }
        Assert.Equal(expected / 5, loss, 1e-12);
        Compare.Close(points * 6, batch.Logits!, 1e-12, "logits");

        static double[] Probabilities(Tensor values, int n)
        {
            var exponentials = Enumerable.Range(0, 4).Select(k => Math.Exp(6 * values[n, k].item<double>())).ToArray();
            return [.. exponentials.Select(e => e / exponentials.Sum())];
        }
    }

    [Fact]
    public void Gradients_flow_through_every_part_as_finite_differences_say()
    {
        using var scope = NewDisposeScope();
        var student = Small.Network(1);
        var images = Small.Images(4, 2).requires_grad_();
        var points = Small.Images(4, 3).requires_grad_();
        var objective = new Mart();
        Tensor Loss()
        {
            var batch = Small.Batch(student, images);
            batch.Adversarial = points;
            return objective.Loss(batch);
        }
        Loss().backward();
        var gradients = student.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!.clone());
        double Value()
        {
            using var inner = NewDisposeScope();
            return Loss().item<double>();
        }
        foreach (var (name, parameter) in student.named_parameters()) Gradients.Check(Value, parameter, gradients[name], name);
        Gradients.Check(Value, points, points.grad!, "adversarial images");
        Gradients.Check(Value, images, images.grad!, "clean images");
    }

    [Fact]
    public void A_student_that_is_sure_of_a_wrong_class_has_a_finite_loss_and_gradient()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new[,] { { 0.0, 400, 0 } }).requires_grad_();
        var batch = Small.Batch(new FunctionNetwork(x => x), logits, tensor(new[] { 0L }));
        batch.Adversarial = logits;
        var loss = new Mart().Loss(batch);
        loss.backward();
        Assert.Equal(400 - Math.Log(1e-4), loss.item<double>(), 1e-6);
        Assert.True(logits.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void The_defaults_are_those_of_the_released_code()
    {
        var options = new MartOptions();
        Assert.Equal(5, options.Lambda);
        Assert.Equal((ThreatModel.Linf(0.031), 10, 0.007), (options.Inner.Threat, options.Inner.Steps, options.Inner.StepSize));
        Assert.Equal((AttackMode.Eval, Start.Gaussian(0.001)), (options.Inner.Mode, options.Inner.Start));
        Assert.Same(InnerLoss.CrossEntropy, options.Inner.Loss);
        Assert.Contains("Lambda is -1", Assert.Throws<ArgumentException>(() => new Mart(new() { Lambda = -1 })).Message);
    }
}
