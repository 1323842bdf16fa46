namespace Ard.Trainers.Objectives;

internal sealed record AdversarialTrainingOptions()
    : AdversarialOptions(new InnerMaximisation { Start = Start.Uniform, Mode = AttackMode.Eval });

/// <summary>Adversarial training (Madry et al., ICLR 2018): CE(S(x'), y), a mean over the batch, x' from the inner maximisation.</summary>
internal sealed class AdversarialTraining(AdversarialTrainingOptions? options = null)
    : AdversarialObjective<AdversarialTrainingOptions>(options)
{
    public override string Name => "adversarial-training";

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        return batch.CrossEntropy(batch.Report(batch.Student.call(adversarial)));
    }
}

/// <summary>Natural training: CE(S(x), y), the mean over the batch. No attack, no teacher.</summary>
internal sealed class Natural : Objective
{
    public override string Name => "natural";

    public override Tensor Loss(TrainingBatch batch) => batch.CrossEntropy(batch.Report(batch.Student.call(batch.Images)));
}
