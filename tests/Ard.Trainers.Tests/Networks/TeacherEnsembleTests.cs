namespace Ard.Trainers.Tests.Networks;

public sealed class TeacherEnsembleTests
{
    private static LinearNetwork Teacher(ulong seed) => LinearNetwork.Random(6, 4, seed, ScalarType.Float64);

    private static Tensor Images()
    {
        using var generator = new Generator(7);
        return empty([5, 6], dtype: ScalarType.Float64).uniform_(0, 1, generator);
    }

    [Fact]
    public void Its_softmax_is_the_mean_of_the_teachers_softmaxes()
    {
        using var scope = NewDisposeScope();
        var (a, b, c, images) = (Teacher(1), Teacher(2), Teacher(3), Images());
        var mean = (a.call(images).softmax(1) + b.call(images).softmax(1) + c.call(images).softmax(1)) / 3;
        Compare.Close(mean, new TeacherEnsemble(a, b, c).call(images).softmax(1), 1e-12, "three");
        Compare.Close(mean.log(), new TeacherEnsemble(a, b, c).call(images), 1e-12, "logits are log-probabilities");
        Compare.Close(a.call(images).softmax(1), new TeacherEnsemble(a).call(images).softmax(1), 1e-12, "one");
    }

    [Fact]
    public void Teachers_that_are_sure_of_different_classes_give_finite_logits_in_float32()
    {
        using var scope = NewDisposeScope();
        var logits = new TeacherEnsemble(Sure(0), Sure(1)).call(zeros(1, 2));
        Compare.Close(tensor(new[] { 0.5, 0.5 }), logits.softmax(1), 1e-6, "probabilities");
        Assert.True(logits.isfinite().all().item<bool>());

        static FunctionNetwork Sure(int k) => new(x => (arange(2).eq(k).to(ScalarType.Float32) * 500).unsqueeze(0));
    }

    [Fact]
    public void It_serves_as_a_teacher_and_its_parts_are_left_as_they_were_found()
    {
        using var scope = NewDisposeScope();
        using var data = Ard.Trainers.Data.Glyphs.Generate(20, seed: 1);
        using var student = Objectives.Small.GlyphNetwork(1);
        using var ensemble = new TeacherEnsemble(Objectives.Small.GlyphNetwork(2), Objectives.Small.GlyphNetwork(3));
        ensemble.train();
        Assert.Equal(2 * student.parameters().Count(), ensemble.parameters().Count());
        var before = ensemble.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        var result = Ard.Trainers.Training.Trainer.Fit(
            new(student, ensemble), new Distillation(), data, Objectives.Small.Options with { Epochs = 1 });
        Assert.True(result.History[0].Loss > 0);
        foreach (var (name, value) in ensemble.state_dict()) Compare.Same(before[name], value, name);
        Assert.All(ensemble.modules(), module => Assert.True(module.training));
        Assert.All(ensemble.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void A_call_leaves_one_tensor_and_gradients_reach_the_images()
    {
        using var scope = NewDisposeScope();
        var ensemble = new TeacherEnsemble(Teacher(1), Teacher(2));
        var images = Images().requires_grad_();
        using (var inner = NewDisposeScope())
        {
            ensemble.call(images);
            Assert.Equal(1, inner.DisposablesCount);
        }
        var weights = Images().narrow(1, 0, 4);
        (ensemble.call(images) * weights).sum().backward();
        Gradients.Check(() => (ensemble.call(images) * weights).sum().item<double>(), images, images.grad!, "images");
    }

    [Fact]
    public void None_and_the_same_one_twice_are_refused()
    {
        Assert.Contains("expected one or more", Assert.Throws<ArgumentException>(() => new TeacherEnsemble()).Message);
        using var scope = NewDisposeScope();
        var teacher = Teacher(1);
        Assert.Contains("twice", Assert.Throws<ArgumentException>(() => new TeacherEnsemble(teacher, teacher)).Message);
    }
}
