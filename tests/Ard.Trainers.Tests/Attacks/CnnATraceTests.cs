namespace Ard.Trainers.Tests.Attacks;

/// <summary>PGD and FGSM against the recorded runs of the original code on a small public network and 256 CIFAR-10 test images.</summary>
public sealed class CnnATraceTests
{
    [CnnAFact]
    public void Pgd_20_from_the_recorded_noise_gives_the_recorded_logits_and_robust_points()
    {
        using var scope = NewDisposeScope();
        var run = Fixture.Trace("pgd_fgsm_cnn_a");
        foreach (var (dtype, prefix) in new[] { (ScalarType.Float32, ""), (ScalarType.Float64, "float64.") })
        {
            var (network, images, labels) = Problem(dtype);
            var start = images + run["noise"].to(dtype);
            var points = Pgd.Maximise(
                x => functional.cross_entropy(network.call(x), labels, reduction: Reduction.Sum),
                images, start, ThreatModel.Cifar10, 2.0 / 255, 20);
            ThreatModel.Cifar10.Verify(points, images, "pgd-20");
            using var noGrad = no_grad();
            var logits = network.call(points);
            Compare.Same(run[$"{prefix}pgd20.robust"], logits.argmax(1).eq(labels).to(ScalarType.Int64), $"{dtype} robust");
            Assert.Equal(53, run[$"{prefix}pgd20.robust"].sum().item<long>());
            if (dtype == ScalarType.Float64)
            {
                Compare.Close(run["float64.pgd20.logits"], logits, 1e-6, "logits");
                continue;
            }
            // In float32 rounding may flip the sign of a gradient near 0.
            var moved = (points.narrow(0, 0, 8) - run["pgd20.x_adv_first8"]).abs().gt(1e-6).to(ScalarType.Float64).mean().item<double>();
            Assert.True(moved < 0.01, $"{moved:P2} of the pixels differ");
            Compare.Close(run["pgd20.loss"], AttackLosses.CrossEntropy(logits, labels), 1e-3, "loss");
        }
    }

    [CnnAFact]
    public void Fgsm_gives_the_recorded_logits_and_robust_points()
    {
        using var scope = NewDisposeScope();
        var run = Fixture.Trace("pgd_fgsm_cnn_a");
        var (network, images, labels) = Problem(ScalarType.Float32);
        foreach (var (name, epsilon, robust) in new[] { ("fgsm8", 8.0 / 255, 65), ("fgsm2", 2.0 / 255, 126) })
        {
            var points = new Fgsm().Perturb(network, images, labels, ThreatModel.Linf(epsilon));
            using var noGrad = no_grad();
            var logits = network.call(points);
            Compare.Same(run[$"{name}.robust"], logits.argmax(1).eq(labels).to(ScalarType.Int64), "robust");
            Assert.Equal(robust, run[$"{name}.robust"].sum().item<long>());
            Compare.Close(run[$"{name}.logits"], logits, 1e-4, "logits");
        }
    }

    [CnnAFact]
    public void The_gradient_with_regard_to_the_clean_images_is_the_recorded_one()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem(ScalarType.Float32);
        var gradient = Pgd.Gradient(x => AttackLosses.CrossEntropy(network.call(x), labels).sum(), images);
        Compare.Close(Fixture.Trace("pgd_fgsm_cnn_a")["clean_gradient_first8"], gradient.narrow(0, 0, 8), 1e-5, "gradient");
    }

    [CnnAFact]
    public void The_attack_of_the_evaluation_breaks_at_least_as_many_points_as_the_recorded_run()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem(ScalarType.Float32);
        var points = AttackCatalog.ByName("pgd-20").Perturb(network, images, labels, ThreatModel.Cifar10);
        using var noGrad = no_grad();
        // 53 by the recorded PGD-20, 33 by the whole of AutoAttack.
        Assert.InRange(network.call(points).argmax(1).eq(labels).sum().item<long>(), 50, 53);
    }

    // What AutoAttack could not break, by its recorded run, these cannot either: 33 of 256 points in Linf, 20 of 48 in L2.
    [CnnATheory]
    [InlineData("mi-fgsm-20", Norm.Linf, 63)]
    [InlineData("cw-30", Norm.Linf, 51)]
    [InlineData("pgd-20-second", Norm.Linf, 71)]
    [InlineData("deepfool", Norm.Linf, 50)]
    [InlineData("deepfool", Norm.L2, 20)]
    [InlineData("cw-l2", Norm.L2, 22)]
    public void The_attacks_of_the_distillation_papers_break_nothing_that_AutoAttack_does_not(string name, Norm norm, int left)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem(ScalarType.Float32);
        var count = norm == Norm.Linf ? 256 : 48;
        (images, labels) = (images.narrow(0, 0, count), labels.narrow(0, 0, count));
        // The full search for c takes minutes.
        var attack = name == "cw-l2"
            ? new CarliniWagner(new CarliniWagnerOptions { Steps = 100, Searches = 4, InitialWeight = 0.1, StopWithinBudget = true })
            : AttackCatalog.ByName(name);
        var points = attack.Perturb(network, images, labels, norm == Norm.Linf ? ThreatModel.Cifar10 : ThreatModel.L2(0.5));
        using var noGrad = no_grad();
        var robust = network.call(points).argmax(1).eq(labels);
        var strongest = Fixture.Trace(norm == Norm.Linf ? "aa_cnn_a_linf8" : "aa_cnn_a_l2_05")["seq.square.robust"].narrow(0, 0, count);
        Compare.Same(strongest, robust.to(ScalarType.Int64) * strongest, "robust under AutoAttack");
        // MI-FGSM and DeepFool: the number that a second implementation in PyTorch leaves; it draws nothing, so only rounding can differ.
        Assert.InRange(robust.sum().item<long>(), left - 2, left + 2);
    }

    [CnnAFact]
    public void Pgd_1000_breaks_what_Pgd_20_breaks_and_nothing_that_AutoAttack_does_not()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem(ScalarType.Float32);
        (images, labels) = (images.narrow(0, 0, 64), labels.narrow(0, 0, 64));
        var options = new EvaluationOptions { Attacks = ["pgd-20", "pgd-1000"] };
        var report = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        var strongest = Fixture.Trace("aa_cnn_a_linf8")["seq.square.robust"].data<long>().ToArray();
        for (var row = 0; row < 64; row++)
        {
            if (report["pgd-1000"].Correct[row]) Assert.True(report["pgd-20"].Correct[row]);
            if (strongest[row] == 1) Assert.True(report["pgd-1000"].Correct[row]);
        }
        // It takes its steps: those that stand have been through all of them.
        Assert.All(report["pgd-1000"].Points.Where(point => point.IsRight), point => Assert.Equal(1000, point.BackwardPasses));
        Assert.Contains(report["pgd-1000"].Points, point => point.IsRight);
    }

    internal static (Module<Tensor, Tensor> Network, Tensor Images, Tensor Labels) Problem(ScalarType dtype)
    {
        var weights = Fixture.Trace("cnn_a_weights");
        var (mean, std) = (weights["normalisation.mean"].data<float>(), weights["normalisation.std"].data<float>());
        var spec = NetworkSpec.Parse("smallcnn") with { Mean = [.. mean.Select(m => (double)m)], Std = [.. std.Select(s => (double)s)] };
        var network = spec.Build(seed: 0);
        Weights.Load(network, weights.Under("net.").ToDictionary(pair => "net." + pair.Name, pair => pair.Tensor));
        network.to(dtype).eval();

        // A row of the file is the label and 3072 bytes: the planes R, G, B.
        var rows = File.ReadAllBytes(CnnAFactAttribute.TestBatch)[..(256 * 3073)].Chunk(3073).ToArray();
        Assert.Equal(weights["labels"].data<long>().ToArray(), rows.Select(row => (long)row[0]));
        Assert.Equal(weights["pixel_sum"].data<long>().ToArray(), rows.Select(row => row[1..].Sum(value => (long)value)));
        var images = tensor(rows.SelectMany(row => row[1..]).Select(value => value / 255f).ToArray()).reshape(256, 3, 32, 32);
        using var noGrad = no_grad();
        if (dtype == ScalarType.Float32) Compare.Close(weights["clean.logits"], network.call(images), 1e-5, "clean logits");
        return (network, images.to(dtype), weights["labels"]);
    }
}

/// <summary>
/// A test that needs the traces of the small network and the CIFAR-10 test batch, unpacked in ARD_DATA or in ~/.cache/ard/data.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CnnAFactAttribute : FactAttribute
{
    public CnnAFactAttribute() => Skip = Missing;

    /// <summary>Why such a test cannot run; null where it can.</summary>
    public static string? Missing
    {
        get
        {
            string[] needed =
            [
                Shared.Path("reference/traces/cnn_a_weights.safetensors"),
                Shared.Path("reference/traces/pgd_fgsm_cnn_a.safetensors"),
                TestBatch,
            ];
            var missing = needed.Where(file => !File.Exists(file)).ToArray();
            return missing.Length > 0 ? $"needs {string.Join(", ", missing)} (ARD_SHARED and ARD_DATA name their folders)" : null;
        }
    }

    public static string TestBatch => Path.Combine(
        Environment.GetEnvironmentVariable("ARD_DATA") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "ard", "data"),
        "cifar-10-batches-bin",
        "test_batch.bin");
}

/// <summary>The same for a test with several cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CnnATheoryAttribute : TheoryAttribute
{
    public CnnATheoryAttribute() => Skip = CnnAFactAttribute.Missing;
}
