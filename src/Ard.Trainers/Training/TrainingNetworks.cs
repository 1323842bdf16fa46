namespace Ard.Trainers.Training;

/// <summary>All take images [N,C,H,W] in [0,1] to logits [N,classes] in the same dtype, float32 or float64.</summary>
/// <param name="Student">The network to train. Afterwards it has the result's weights, in eval mode and on the options' device.</param>
/// <param name="Teacher">The teacher, if the objective needs one; afterwards where and as it was found.</param>
/// <param name="NaturalTeacher">The second teacher, for objectives that need one for clean images (MTARD). Treated as the first.</param>
/// <param name="Peer">For objectives that train a peer beside the student: a fresh network. It keeps its last weights.</param>
public sealed record TrainingNetworks(
    Module<Tensor, Tensor> Student, Module<Tensor, Tensor>? Teacher = null, Module<Tensor, Tensor>? NaturalTeacher = null,
    Module<Tensor, Tensor>? Peer = null)
{
    /// <summary>A student alone.</summary>
    /// <param name="student">The network to train.</param>
    public static implicit operator TrainingNetworks(Module<Tensor, Tensor> student) => new(student);

    /// <summary>All that there are, by name, the student first.</summary>
    internal IEnumerable<(string Name, Module<Tensor, Tensor> Network)> All =>
        from pair in new[]
        {
            (nameof(Student), Student), (nameof(Teacher), Teacher), (nameof(NaturalTeacher), NaturalTeacher), (nameof(Peer), Peer),
        }
        where pair.Item2 is not null
        select (pair.Item1, pair.Item2!);

    /// <summary>The networks that learn. Parameters of the student are named as they are: a module's name holds no slash.</summary>
    internal IReadOnlyList<(string Prefix, Module<Tensor, Tensor> Network)> Trained =>
        Peer is null ? [("", Student)] : [("", Student), ("peer/", Peer)];
}
