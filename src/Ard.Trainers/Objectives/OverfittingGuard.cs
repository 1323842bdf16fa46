namespace Ard.Trainers.Objectives;

/// <summary>
/// Watches a training with one or two attack steps for catastrophic overfitting: within a few batches the student learns to stop this
/// attack alone (Wong, Rice and Kolter, ICLR 2020). At intervals its accuracies under the attack and under PGD are compared on a few
/// training images; where they part, the guard warns and PGD takes over for the rest of the training, which heals it (Li et al., 2020).
/// </summary>
public sealed record OverfittingGuard
{
    // Being there is what it says: nobody has to read its value from the device.
    internal const string Memory = "guard.pgd";

    /// <summary>Look at every so many batches. Default 50. Such a batch waits for the device; the others do not.</summary>
    [Range(1, int.MaxValue)]
    public int EveryBatches { get; init; } = 50;

    /// <summary>How many images to look at, the first ones of the batch. Default 64.</summary>
    [Range(1, int.MaxValue)]
    public int Images { get; init; } = 64;

    /// <summary>
    /// How much higher the accuracy under the attack in training may be than that under PGD. Default 0.2: a healthy student has about 0.1,
    /// an overfitted one often 0.8. What chance does to n images, 1/√n, is allowed on top: 0.125 for 64.
    /// </summary>
    [Range(0.0, 1.0)]
    public double Gap { get; init; } = 0.2;

    /// <summary>The steps of PGD, of epsilon/4 from a uniform start, the student in eval mode. Default 10.</summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 10;

    /// <summary>PGD with the same loss, for looking and for taking over.</summary>
    internal InnerMaximisation Pgd(InnerMaximisation fast) => fast with
    {
        Steps = Steps,
        StepSize = fast.Threat.Epsilon / 4,
        Start = Start.Uniform,
        Mode = AttackMode.Eval,
        Project = true,
        Guard = null,
    };

    /// <summary>Whether PGD is to be used on this batch. Looks at the student where it is time to.</summary>
    internal bool TakesOver(TrainingBatch batch, InnerMaximisation fast)
    {
        if (batch.Memory[Memory] is not null) return true;
        if ((batch.Step + 1) % EveryBatches != 0) return false;

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var mode = ModelState.Eval(batch.Student);
        var share = batch.Share is { } whole ? whole with { Count = Math.Min(Images, whole.Count) } : null;
        var count = share?.Count ?? Math.Min(Images, batch.Images.shape[0]);
        // The first ones of the batch that are this process's are the first ones that it has.
        var here = share?.Rows.Length ?? count;
        var weak = Accuracy(fast);
        var strong = Accuracy(Pgd(fast));
        if (weak - strong <= Gap + 1 / Math.Sqrt(count)) return false;
        batch.Memory.Set(Memory, ones(1));
        var attack = fast.Steps == 1 ? "1 step" : $"{fast.Steps} steps";
        batch.Warn?.Invoke(
            Invariant($"catastrophic overfitting: of {count} training images the student gets {weak:P0} right under the attack of ")
            + Invariant($"{attack} and {strong:P0} under PGD-{Steps}. From here on it is trained with PGD-{Steps}."));
        return true;

        double Accuracy(InnerMaximisation attack)
        {
            var few = new TrainingBatch
            {
                Student = batch.Student,
                Teacher = batch.Teacher,
                Peer = batch.Peer,
                Images = batch.Images.narrow(0, 0, here),
                Labels = batch.MainLabels.narrow(0, 0, here),
                SoftLabels = batch.SoftLabels?.narrow(0, 0, here),
                Generator = batch.Generator,
                Share = share,
            };
            var right = batch.Student.call(attack.Search(few)).argmax(1).eq(few.MainLabels).to(ScalarType.Float64).mean();
            return few.MeanOfAll(right).item<double>();
        }
    }
}
