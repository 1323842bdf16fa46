namespace Ard.Trainers.Objectives;

/// <summary>Weights that a method has moved for its loss, to be put back after backward, and where anything fails.</summary>
internal sealed class PerturbedWeights : IDisposable
{
    private readonly List<(Tensor Weight, Tensor Values)> moved = [];

    /// <summary>Adds to a weight. Its values so far are kept in the dispose scope around the present one.</summary>
    public void Move(Tensor weight, Tensor difference)
    {
        moved.Add((weight, weight.detach().clone().MoveToOuterDisposeScope()));
        weight.Add_(difference);
    }

    /// <summary>Puts all values back. Further calls do nothing.</summary>
    public void Dispose()
    {
        using var noGradient = no_grad();
        foreach (var (weight, values) in moved) weight.copy_(values);
        moved.Clear();
    }
}
