namespace Ard.Trainers.Objectives;

/// <summary>One batch, and all that an <see cref="Objective"/> may need to turn it into a loss.</summary>
public sealed class TrainingBatch
{
    private Tensor? teacherLogits;

    /// <summary>The network being trained: images [N,...] to logits [N,classes]. In train mode, as the training loop sets it.</summary>
    public required Module<Tensor, Tensor> Student { get; init; }

    /// <summary>The teacher, in eval mode; null where the objective needs none.</summary>
    public Module<Tensor, Tensor>? Teacher { get; init; }

    /// <summary>A second teacher, for clean images, in eval mode; null where the objective needs none.</summary>
    public Module<Tensor, Tensor>? NaturalTeacher { get; init; }

    /// <summary>A network trained beside the student, in train mode, by the same loss; null where the objective needs none.</summary>
    public Module<Tensor, Tensor>? Peer { get; init; }

    /// <summary>Images [N,...] in [0,1], in the dtype (float32 or float64) and on the device of the student.</summary>
    public required Tensor Images { get; init; }

    /// <summary>The true classes, int64 [N].</summary>
    /// <exception cref="InvalidOperationException">The images are mixed, and have <see cref="SoftLabels"/>.</exception>
    public required Tensor Labels
    {
        get => SoftLabels is null ? field : throw new InvalidOperationException(
            $"The images of the batch are mixed: expected {nameof(SoftLabels)} or {nameof(CrossEntropy)} to be asked, found "
            + $"{nameof(Labels)}, which they do not have. A method that needs them has to be trained without {nameof(Training.Mixing)}.");
        init;
    }

    /// <summary>The shares of the classes in mixed images, [N,classes], of sum 1, in the images' dtype; null: they are not mixed.</summary>
    public Tensor? SoftLabels { get; init; }

    /// <summary>The class that most of each image is of, int64 [N].</summary>
    internal Tensor MainLabels => SoftLabels?.argmax(1) ?? Labels;

    /// <summary>The labels as a cross-entropy takes them: classes [N], or of mixed images shares [N,classes].</summary>
    internal Tensor Targets => SoftLabels ?? Labels;

    /// <summary>The labels as shares [N,classes] of 0 and 1, or of mixed images between.</summary>
    internal Tensor TargetShares(Tensor logits) => SoftLabels ?? functional.one_hot(Labels, logits.shape[1]).to(logits.dtype);

    /// <summary>Where <see cref="Noise"/> comes from, on the device of the images.</summary>
    public required Generator Generator { get; init; }

    /// <summary>The randomness. Where several processes train together, an image gets the same numbers as in a process alone.</summary>
    public Noise Noise => new GeneratorNoise(Generator, Share);

    /// <summary>Which images of the whole batch these are; null for all.</summary>
    internal BatchShare? Share { get; init; }

    /// <summary>What makes gradients of these images those of the whole batch; null where these are all.</summary>
    internal SharedGradients? Gradients { get; init; }

    /// <summary>
    /// Means over these images as means over the whole batch: where several processes train together, each has some of its images. For a
    /// method that weights its terms by their size, say; the loss that it returns stays the mean over these images.
    /// </summary>
    /// <param name="means">Any shape. All processes ask, in the same order.</param>
    /// <returns>Without a graph.</returns>
    public Tensor MeanOfAll(Tensor means) => Share is null ? means.detach() : Share.Mean(means.detach());

    /// <summary>The least of a scalar that each of the processes has, without a graph.</summary>
    internal Tensor LeastOfAll(Tensor value) => Share is null ? value.detach() : Share.Least(value.detach());

    /// <summary>The share of the labels' weight that is spread evenly over all classes: see <see cref="CrossEntropy"/>.</summary>
    internal double LabelSmoothing { get; init; }

    /// <summary>The epoch that the batch belongs to, from 0.</summary>
    public int Epoch { get; init; }

    /// <summary>How many epochs the training has.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>How many batches the training had before this one, over all epochs. Replays of a batch have the same number.</summary>
    public long Step { get; init; }

    /// <summary>What the user has to know and is no error, a sentence a call: to <see cref="Training.TrainingResult.Warnings"/>.</summary>
    internal Action<string>? Warn { get; init; }

    /// <summary>The offset [N,...] at which the inner maximisation starts, in place of a random one; to reproduce a recorded run.</summary>
    internal Tensor? StartNoise { get; init; }

    /// <summary>What the objective remembers from batch to batch. Default an empty memory of this batch's own.</summary>
    public ObjectiveMemory Memory { get; init; } = new();

    /// <summary>What <see cref="Objective.Loss"/> has found for <see cref="Objective.AfterBackward"/>, in its dispose scope.</summary>
    internal IDictionary<string, Tensor> Notes { get; } = new Dictionary<string, Tensor>();

    /// <summary>
    /// The adversarial images [N,...] of the batch, once the inner maximisation has found them; null before. Setting them spares the inner
    /// maximisation. In free adversarial training those of the latest replay, which carry their gradient after backward.
    /// </summary>
    public Tensor? Adversarial
    {
        get;
        set
        {
            field = value;
            Attacked?.Invoke();
        }
    }

    /// <summary>Called when the adversarial images have been found, for a method that has to tell the attack from what follows.</summary>
    internal Action? Attacked { get; set; }

    /// <summary>The weights that <see cref="AdversarialWeightPerturbation"/> has moved for the loss.</summary>
    internal PerturbedWeights Perturbed { get; } = new();

    /// <summary>
    /// The teacher's logits [N,classes] of the clean images, without a graph, found when first asked for, and in that dispose scope. Asking
    /// before the student is called needs less memory: what the teacher computes is then not held beside the student's graph.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no teacher, or it is in train mode, where it would drift.</exception>
    public Tensor TeacherLogits
    {
        get => teacherLogits ??= CachedTeacherLogits?.Invoke() ?? AskTeacher(Images);
        init => teacherLogits = value;
    }

    /// <summary>Where the training loop keeps the teacher's logits of the clean images; null where it does not.</summary>
    internal Func<Tensor>? CachedTeacherLogits { get; init; }

    /// <summary>The student's logits [N,classes], detached, for the training accuracy, of adversarial images where there are.</summary>
    internal Tensor? Logits { get; private set; }

    /// <summary>How many images those logits are right about, of mixed ones by the class that most of each is of.</summary>
    internal Tensor? RightAnswers => Logits?.argmax(1).eq(MainLabels).sum();

    /// <summary>Hands in the logits for the training accuracy; they are not looked at during the step.</summary>
    /// <param name="logits">[N,classes].</param>
    /// <returns>The same logits, with their graph.</returns>
    public Tensor Report(Tensor logits)
    {
        Logits = logits.detach();
        return logits;
    }

    /// <summary>
    /// The cross-entropy with the labels, for outer losses: -Σ_c t_c log softmax(logits)_c with t = (1-s) · one-hot + s/classes, where s is
    /// <see cref="LabelSmoothing"/> (Szegedy et al., CVPR 2016), and of mixed images <see cref="SoftLabels"/> for the one-hot.
    /// </summary>
    /// <param name="logits">[N,classes].</param>
    /// <param name="reduction">Default the mean over the batch.</param>
    /// <returns>A scalar, or [N] without reduction.</returns>
    public Tensor CrossEntropy(Tensor logits, Reduction reduction = Reduction.Mean) =>
        functional.cross_entropy(logits, Targets, reduction: reduction, label_smoothing: LabelSmoothing);

    /// <summary>The teacher's logits of any images, without a graph.</summary>
    /// <param name="images">[N,...] in [0,1].</param>
    /// <exception cref="InvalidOperationException">There is no teacher, or it is in train mode.</exception>
    public Tensor AskTeacher(Tensor images)
    {
        using var noGrad = no_grad();
        return CallTeacher(images);
    }

    /// <summary>The teacher's logits of any images, with a graph to the images where one is recorded.</summary>
    /// <exception cref="InvalidOperationException">There is no teacher, or it is in train mode.</exception>
    internal Tensor CallTeacher(Tensor images) => Call(Teacher, "teacher", images);

    /// <summary>The second teacher's logits of any images, without a graph.</summary>
    /// <inheritdoc cref="AskTeacher"/>
    public Tensor AskNaturalTeacher(Tensor images)
    {
        using var noGrad = no_grad();
        return Call(NaturalTeacher, "natural teacher", images);
    }

    /// <summary>The peer's logits of any images in train mode, with their graph.</summary>
    /// <exception cref="InvalidOperationException">There is no peer.</exception>
    internal Tensor CallPeer(Tensor images) =>
        (Peer ?? throw new InvalidOperationException("The objective needs a peer, and the batch has none.")).call(images);

    /// <summary>The peer's logits of any images in eval mode, without a graph. Afterwards it has its own mode again.</summary>
    internal Tensor AskPeer(Tensor images)
    {
        using var noGrad = no_grad();
        using var mode = Peer is null ? null : ModelState.Eval(Peer);
        return CallPeer(images);
    }

    /// <summary>Sends images through the student for its running statistics alone, as a released code does.</summary>
    internal void MoveStatistics(Tensor images)
    {
        using var noGrad = no_grad();
        Student.call(images).Dispose();
    }

    private static Tensor Call(Module<Tensor, Tensor>? teacher, string role, Tensor images)
    {
        if (teacher is null) throw new InvalidOperationException($"The objective needs a {role}, and the batch has none.");
        if (teacher.training)
            throw new InvalidOperationException(
                $"The {role} is in train mode, where its batch normalisation would drift: call its eval() first.");
        return teacher.call(images);
    }

    /// <summary>Moves what the batch has found so far out of a dispose scope, into the one around it.</summary>
    internal void MoveToOuter(DisposeScope scope)
    {
        foreach (var tensor in new[] { Adversarial, teacherLogits, Logits })
        {
            // What an earlier replay has found is in an outer scope already.
            if (tensor is not null && scope.Contains(tensor)) scope.MoveToOuter(tensor);
        }
    }
}
