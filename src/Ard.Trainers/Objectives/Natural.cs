namespace Ard.Trainers.Objectives;

/// <summary>Natural training: CE(S(x), y), the mean over the batch. No attack, no teacher.</summary>
internal sealed class Natural : Objective
{
    public override string Name => "natural";

    public override Tensor Loss(TrainingBatch batch) =>
        batch.CrossEntropy(batch.Report(batch.Student.call(batch.Images)));
}
