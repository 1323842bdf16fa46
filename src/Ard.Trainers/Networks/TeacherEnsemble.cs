namespace Ard.Trainers.Networks;

/// <summary>Several teachers as one network: its logits are the logarithm of the mean of their probabilities.</summary>
public sealed class TeacherEnsemble : Module<Tensor, Tensor>, IOnnxModule
{
    private readonly Module<Tensor, Tensor>[] teachers;

    /// <summary>Makes one network of several. They become parts of it: moving, training or disposing it does the same to them.</summary>
    /// <param name="teachers">One or more, all from images [N,C,H,W] to logits [N,classes], all of one dtype and on one device.</param>
    /// <exception cref="ArgumentException">There is none, or the same one twice.</exception>
    public TeacherEnsemble(params Module<Tensor, Tensor>[] teachers) : base(nameof(TeacherEnsemble))
    {
        ArgumentNullException.ThrowIfNull(teachers);
        if (teachers.Length == 0) throw new ArgumentException("There is no teacher, expected one or more.", nameof(teachers));
        if (teachers.Distinct().Count() < teachers.Length)
            throw new ArgumentException("The same teacher is there twice, expected different ones.", nameof(teachers));
        this.teachers = [.. teachers];
        for (var n = 0; n < teachers.Length; n++) register_module($"teacher{n}", teachers[n]);
    }

    /// <summary>Images [N,C,H,W] in [0,1] to the logarithm of the mean probabilities, [N,classes].</summary>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var each = stack(teachers.Select(teacher => teacher.call(images).log_softmax(1)));
        return each.logsumexp(0).Minus(Math.Log(teachers.Length)).MoveToOuterDisposeScope();
    }

    internal IReadOnlyList<Module<Tensor, Tensor>> Teachers => teachers;

    OnnxValue IOnnxModule.ToOnnx(OnnxValue input)
    {
        var axis = input.Constant("axis", tensor(new[] { 0L }));
        var each = teachers
            .Select(teacher => input.Then(teacher)
                .Operator("LogSoftmax", x => x[0].log_softmax(1), attributes: [("axis", 1)])
                .Operator("Unsqueeze", x => x[0].unsqueeze(0), [axis]))
            .ToArray();
        var sum = each[0].Operator("Concat", x => cat([.. x], 0), each[1..], [("axis", 0)]).Operator(
            "ReduceLogSumExp", x => x[0].logsumexp(0),
            attributes: [("axes", (long[])[0]), ("keepdims", 0)]);
        return sum - input.Constant("log_count", tensor((float)Math.Log(teachers.Length)));
    }
}
